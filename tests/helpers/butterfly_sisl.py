"""The environments of PettingZoo's families butterfly and sisl: small ones, their states and their scopes.

Whoever imports this is skipped where pygame or supersuit is missing.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
pytest.importorskip("pygame")
pytest.importorskip("supersuit")

from supersuit import color_reduction_v0, dtype_v0, flatten_v0, resize_v1

from isa_wrappers import InfluenceScope, ScopeConfig, estimate_scope

NEEDS = {"pistonball": "pymunk", "multiwalker": "Box2D", "waterworld": "pymunk"}


def installed():
    """List the families' environments by name: ``{"pursuit": "pettingzoo.sisl.pursuit_v5", ...}``."""
    found = {}
    for family in ("butterfly", "sisl"):
        package = import_module(f"pettingzoo.{family}")
        for module in iter_modules(package.__path__):
            name, _, version = module.name.rpartition("_v")
            if version.isdigit():
                found[name] = f"pettingzoo.{family}.{module.name}"
    return found


def module_of(name):
    if name not in installed():
        pytest.skip(f"this PettingZoo has no {name}")
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    return import_module(installed()[name])


def small_images(env):
    return dtype_v0(flatten_v0(resize_v1(color_reduction_v0(env, "B"), 20, 12)), np.float32)


def pong_state(env):
    """Where the ball and both paddles are; ``state()`` is an image, 400 thousand numbers by default."""
    game = env.unwrapped.env
    return np.array([*game.ball._rect.center, game.p0.rects[0].y, game.p1.rects[0].y], dtype=np.float32)


def piston_state(env):
    """Each piston's height, then the ball's place."""
    game = env.unwrapped
    return np.array([*(piston.position[1] for piston in game.pistonList), *game.ball.position], dtype=np.float32)


WALKER = 14
"""Numbers of a walker: its hull's place, angle and speeds, then angle and speed of each joint."""


def walker_state(env):
    """Every walker's hull and joints, then where the package is; what was last, once the world is taken down."""
    game = env.unwrapped.env
    if all(walker.hull is not None for walker in game.walkers):
        rows = []
        for walker in game.walkers:
            hull = walker.hull
            rows += [*hull.position, hull.angle, hull.angularVelocity, *hull.linearVelocity]
            rows += [part for joint in walker.joints for part in (joint.angle, joint.speed)]
        game.last_seen = np.array([*rows, *game.package.position, game.package.angle], dtype=np.float32)
    return game.last_seen


def pursuer_places(env):
    layer = env.unwrapped.env.pursuer_layer
    return np.concatenate([layer.get_position(i) for i in range(layer.n_agents())]).astype(np.float32)


def own_rows(env):
    """In the first rows of the state stand the agents: say that every action moves its agent's own row."""
    rows, width = env.state_space.shape
    dims = {
        agent: [[width * i + j for j in range(width)]] * int(env.action_space(agent).n)
        for i, agent in enumerate(env.possible_agents)
    }
    return InfluenceScope.from_dimensions(dims, state_size=rows * width)


def pursuers_on_the_map(env):
    """Say that every action moves the map's layer of pursuers, which they all share."""
    height, width, layers = env.state_space.shape
    common = [layers * cell + 1 for cell in range(height * width)]
    dims = {agent: [common] * int(env.action_space(agent).n) for agent in env.possible_agents}
    return InfluenceScope.from_dimensions(dims, state_size=height * width * layers)


@dataclass(frozen=True)
class Setup:
    """How an environment is made and its scope found.

    Attributes:
        name: PettingZoo's, without the version.
        kwargs: passed to it.
        wrap: what makes images small.
        state: the state fallback.
        scope: its scope; without one it is estimated from a few transitions.
        transitions: of the estimate.
        own: for each agent dimensions that the estimate must find to be its own and nobody else's.
        cycles: steps that an episode lasts at most.
        deaths: whether agents die before the episode's end.
    """

    name: str
    kwargs: dict[str, Any]
    wrap: Callable[[Any], Any] | None = None
    state: Callable[[Any], Any] | None = None
    scope: Callable[[Any], InfluenceScope] | None = None
    transitions: int = 300
    own: tuple[tuple[int, ...], ...] = ()
    cycles: int = 20
    deaths: bool = False

    def make(self):
        env = module_of(self.name).parallel_env(**self.kwargs)
        return env if self.wrap is None else self.wrap(env)


# Without a render mode pong and pistonball draw nothing, and every observation is the same empty screen.
DRAWN = {"render_mode": "rgb_array"}
SMALL_MAP = {"n_evaders": 3, "n_pursuers": 3, "x_size": 7, "y_size": 7, "obs_range": 3}
SETUPS = {
    "pong": Setup(
        "cooperative_pong",
        {**DRAWN, "render_ratio": 4, "ball_speed": 4, "max_cycles": 20},
        small_images,
        pong_state,
        own=((2,), (3,)),
    ),
    "pistonball": Setup(
        "pistonball",
        {**DRAWN, "continuous": False, "n_pistons": 4, "max_cycles": 15},
        small_images,
        piston_state,
        own=((0,), (1,), (2,), (3,)),
        cycles=15,
    ),
    "knights archers zombies": Setup(
        "knights_archers_zombies",
        {"line_death": True, "spawn_delay": 1, "max_zombies": 30, "max_cycles": 150},
        scope=own_rows,
        cycles=150,
        deaths=True,
    ),
    "pursuit": Setup("pursuit", SMALL_MAP, state=pursuer_places, own=((0, 1), (2, 3), (4, 5))),
    "pursuit map": Setup("pursuit", SMALL_MAP, scope=pursuers_on_the_map),
    "pistonball, continuous": Setup(
        "pistonball",
        {**DRAWN, "n_pistons": 4, "max_cycles": 15},
        small_images,
        piston_state,
        own=((0,), (1,), (2,), (3,)),
        cycles=15,
    ),
    "multiwalker": Setup(
        "multiwalker",
        {"n_walkers": 2, "max_cycles": 20},
        state=walker_state,
        transitions=600,
        own=(tuple(range(6, WALKER)), tuple(range(WALKER + 6, 2 * WALKER))),
    ),
}
NOT_TRIED = ("waterworld",)
"""It has no world state of its own."""


@cache
def scope_of(setup):
    known = SETUPS[setup]
    if known.scope is not None:
        return known.scope(known.make())
    return estimate_scope(known.make(), ScopeConfig(transitions=known.transitions), state_fallback=known.state)
