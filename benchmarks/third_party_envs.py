"""Third-party environments for `make third-party`: a factory for each, and its true scope according to its rules.

A factory is what a user would write; if an environment has no numeric state(), Stated adds one. The true scope is read
from the environment's source: `moves` are the dimensions that an agent's actions change whenever it acts, `seldom`
those that they change only in places that random play rarely reaches (a door in front, a body in the way).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers.border.adapters import TeamEnv

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")


class Stated(BaseParallelWrapper):
    """Extracts a state with named dimensions from the innermost environment."""

    def __init__(self, env: Any, names: Sequence[str], read: Callable[[Any], Sequence[float]]) -> None:
        super().__init__(env)
        self.state_names, self.read = tuple(names), read

    def state(self) -> np.ndarray:
        return np.array(self.read(self.env.unwrapped), np.float64)


class SeesState(BaseParallelWrapper):
    """Replaces every agent's image observation with the state."""

    def observation_space(self, agent: str) -> spaces.Box:
        return self.seen

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.seen = spaces.Box(-np.inf, np.inf, (len(env.state_names),), np.float32)
        self.observation_spaces = dict.fromkeys(env.possible_agents, self.seen)

    def _seen(self, agents: Mapping[str, Any]) -> dict[str, np.ndarray]:
        return dict.fromkeys(agents, self.env.state().astype(np.float32))

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        shown, infos = self.env.reset(seed=seed, options=options)
        return self._seen(shown), infos

    def step(self, actions: dict[str, Any]) -> tuple[Any, ...]:
        shown, *told = self.env.step(actions)
        return self._seen(shown), *told


def named(agents: Sequence[str], *properties: str) -> list[str]:
    return [f"{agent}.{name}" for agent in agents for name in properties]


def rware() -> Any:
    import gymnasium
    import rware  # noqa: F401  (registers)

    env = TeamEnv(gymnasium.make("rware-tiny-2ag-v2", disable_env_checker=True))
    names = named(env.possible_agents, "x", "y", "direction", "carrying")
    return Stated(
        env, names, lambda e: [n for a in e.agents for n in (a.x, a.y, a.dir.value, a.carrying_shelf is not None)]
    )


def lbforaging() -> Any:
    import gymnasium
    import lbforaging  # noqa: F401  (registers)

    env = TeamEnv(gymnasium.make("Foraging-5x5-2p-1f-coop-v3", disable_env_checker=True))
    names = [*named(env.possible_agents, "row", "column"), "food"]
    return Stated(env, names, lambda e: [*(n for p in e.players for n in p.position), e.field.sum()])


def dsse() -> Any:
    from DSSE import DroneSwarmSearch

    env = DroneSwarmSearch(grid_size=8, drone_amount=2, person_amount=1, timestep_limit=50)
    names = [*named(env.possible_agents, "x", "y"), "lost"]
    return Stated(env, names, lambda e: [*(n for place in e.agents_positions for n in place), len(e.persons_set)])


def item_gathering() -> Any:
    from momaland.envs.item_gathering import item_gathering
    from momaland.utils.parallel_wrappers import LinearizeReward

    env = item_gathering.parallel_env(num_timesteps=30)
    weights = {agent: np.ones(env.unwrapped.num_objectives) for agent in env.possible_agents}
    names = [*named(env.possible_agents, "row", "column"), "items"]
    read = lambda e: [*e.agent_positions.flatten(), (e.env_map > 0).sum()]  # noqa: E731
    return Stated(LinearizeReward(env, weights), names, read)


def momaland_walker() -> Any:
    from momaland.envs.multiwalker_stability import momultiwalker_stability
    from momaland.utils.parallel_wrappers import LinearizeReward

    env = momultiwalker_stability.parallel_env(n_walkers=2)
    return LinearizeReward(env, dict.fromkeys(env.possible_agents, np.ones(2)))


def magent_pursuit() -> Any:
    from magent2.environments import adversarial_pursuit_v4

    env = adversarial_pursuit_v4.parallel_env(map_size=12)
    places = lambda e: np.concatenate([e.env.get_pos(h) for h in e.handles]).flatten()  # noqa: E731
    return Stated(env, named(env.possible_agents, "x", "y"), places)


def magent_battle() -> Any:
    from magent2.environments import battle_v4

    return battle_v4.parallel_env(map_size=12, max_cycles=100)


def red_blue_doors() -> Any:
    from multigrid.envs import RedBlueDoorsEnv
    from multigrid.pettingzoo import PettingZooWrapper

    env = PettingZooWrapper(RedBlueDoorsEnv(size=6, agents=2))
    names = [*named(("0", "1"), "x", "y", "direction"), "red", "blue"]
    doors = lambda e: [e.red_door.is_open, e.blue_door.is_open]  # noqa: E731
    read = lambda e: [*(n for a in e.env.agents for n in (*a.pos, a.dir)), *doors(e.env)]  # noqa: E731
    return SeesState(Stated(env, names, read))


def kitchen() -> Any:
    from frondori_kitchen import KitchenEnv

    return KitchenEnv()


def zombies() -> Any:
    from pettingzoo.butterfly import knights_archers_zombies_v11

    env = knights_archers_zombies_v11.parallel_env(
        num_archers=1, num_knights=1, max_zombies=2, max_arrows=2, max_cycles=200
    )
    things = (*env.possible_agents, "sword", "arrow_0", "arrow_1", "zombie_0", "zombie_1")
    env.state_names = named(things, "x", "y", "heading_x", "heading_y")
    return env


def cooperative_pong() -> Any:
    from pettingzoo.butterfly import cooperative_pong_v6

    env = cooperative_pong_v6.parallel_env(cake_paddle=False, max_cycles=200, render_ratio=4)
    names = ["paddle_0.y", "paddle_1.y", "ball.x", "ball.y", "ball.vx", "ball.vy"]
    read = lambda e: [e.env.p0.rects[0].y, e.env.p1.rects[0].y, *e.env.ball._rect.center, *e.env.ball._speed]  # noqa: E731
    return SeesState(Stated(env, names, read))


def pistonball(continuous: bool = False) -> Any:
    from pettingzoo.butterfly import pistonball_v6

    env = pistonball_v6.parallel_env(n_pistons=5, continuous=continuous, max_cycles=60)
    names = [*named(env.possible_agents, "height"), "ball.x", "ball.y"]
    read = lambda e: [*(p.position[1] for p in e.pistonList), *e.ball.position]  # noqa: E731
    return SeesState(Stated(env, names, read))


def pistonball_continuous() -> Any:
    return pistonball(continuous=True)


def multiwalker() -> Any:
    from pettingzoo.sisl import multiwalker_v9

    return multiwalker_v9.parallel_env(n_walkers=2)


def pursuit() -> Any:
    from pettingzoo.sisl import pursuit_v5

    env = pursuit_v5.parallel_env(x_size=8, y_size=8, n_pursuers=3, n_evaders=3, max_cycles=100)
    names = [*named(env.possible_agents, "x", "y"), "evaders"]
    read = lambda e: [*(n for p in e.env.pursuers for n in p.current_position()), e.env.evader_layer.n_agents()]  # noqa: E731
    return Stated(env, names, read)


def swimmer() -> Any:
    from gymnasium_robotics import mamujoco_v1

    return mamujoco_v1.parallel_env("Swimmer", "2x1")


def simple_tag() -> Any:
    from mpe2 import simple_tag_v3

    env = simple_tag_v3.parallel_env(num_good=1, num_adversaries=2, num_obstacles=0, max_cycles=25)
    read = lambda e: [n for a in e.world.agents for n in (*a.state.p_pos, *a.state.p_vel)]  # noqa: E731
    return Stated(env, named(env.possible_agents, "x", "y", "vx", "vy"), read)


@dataclass(frozen=True)
class Truth:
    """What an agent's actions change by the rules, as patterns: `{agent}` is its own name, `*` matches any text."""

    moves: tuple[str, ...]
    seldom: tuple[str, ...] = ()


@dataclass(frozen=True)
class ThirdParty:
    """A third-party environment.

    Attributes:
        package: its name on PyPI.
        make: the factory; its lines count as glue code.
        rules: what an agent does, in one sentence; the reason for `truth`.
        truth: the true scope, by agent name pattern.
        options: options for every command, such as `--state-fallback observations`.
        helpers: code that the factory shares with others; its lines count as glue code too.
    """

    package: str
    make: Callable[[], Any]
    rules: str
    truth: Mapping[str, Truth]
    options: tuple[str, ...] = ()
    helpers: tuple[Any, ...] = field(default=(Stated,))


def everyone(moves: str, seldom: str = "") -> dict[str, Truth]:
    return {"*": Truth(tuple(moves.split()), tuple(seldom.split()))}


WALKER = everyone("{agent}[[][0-7]] {agent}[[]9] {agent}[[]1[0-2]]", "*")
"""Hull, joints and their speeds always; everything else occasionally, as interventions show, through the package that
both walkers carry and the lidars that detect the other walker."""
KITCHEN = ("*.pots*", "*.counters*", "*.self[[]0]", "*.self[[]1]", "*.partner[[]0]", "*.partner[[]1]")
ENVIRONMENTS: dict[str, ThirdParty] = {
    "rware": ThirdParty(
        "rware", rware, "turns, moves forward and loads the shelf it stands on; agents in its way block it",
        everyone("{agent}.*", "*.x *.y"), ("--success", "1.0"),
    ),
    "lbforaging": ThirdParty(
        "lbforaging", lbforaging, "walks; both agents load the single food together; agents in its way block it",
        everyone("{agent}.row {agent}.column", "food *.row *.column"), ("--success", "0.5"),
    ),
    "DSSE": ThirdParty(
        "DSSE", dsse, "flies one cell in eight directions; a search in the right cell finds the person",
        everyone("{agent}.*", "lost"), ("--success", "1.0"),
    ),
    "momaland item gathering": ThirdParty(
        "momaland", item_gathering, "walks; collects the item it steps on; agents in its way block it",
        everyone("{agent}.*", "items *.row *.column"), ("--success", "4.0"),
    ),
    "momaland walkers": ThirdParty(
        "momaland", momaland_walker, "moves its joints, and with them its hull and the package on top", WALKER,
        ("--state-fallback", "observations", "--success", "1.0"), (),
    ),
    "magent2 pursuit": ThirdParty(
        "magent2", magent_pursuit, "walks up to two cells; agents in its way block it; tags move no agent",
        everyone("{agent}.*", "*"), ("--success", "1.0"),
    ),
    "magent2 battle, its map": ThirdParty(
        "magent2", magent_battle, "walks and attacks on a 12 x 12 map with 5 layers; no cell belongs to an agent",
        everyone("", "*"), ("--success", "1.0"), (),
    ),
    "multigrid doors": ThirdParty(
        "multigrid", red_blue_doors, "turns and moves forward; opens the door it faces; the blue door ends the episode",
        everyone("{agent}.*", "red blue"), ("--success", "0.1"), (Stated, SeesState),
    ),
    "kitchen": ThirdParty(
        "frondori-kitchen", kitchen, "walks, turns, takes and puts items; the state contains each chef twice",
        {
            "chef_0": Truth(("chef_0.self*", "chef_1.partner*"), KITCHEN),
            "chef_1": Truth(("chef_1.self*", "chef_0.partner*"), KITCHEN),
        },
        ("--state-fallback", "observations", "--success", "1.0"), (),
    ),
    "knights, archers, zombies": ThirdParty(
        "pettingzoo[butterfly]", zombies,
        "walks and turns; the archer shoots arrows, the knight swings the sword; both hit zombies",
        {
            "archer*": Truth(("{agent}.*", "arrow_0.*"), ("arrow_1.*", "zombie_*")),
            "knight*": Truth(("{agent}.*", "sword.*"), ("zombie_*",)),
        },
        ("--success", "1.0"), (),
    ),
    "cooperative pong": ThirdParty(
        "pettingzoo[butterfly]", cooperative_pong, "moves its paddle; a hit sends the ball back",
        everyone("{agent}.y", "ball.*"), ("--success", "10.0"), (Stated, SeesState),
    ),
    "pistonball": ThirdParty(
        "pettingzoo[butterfly]", pistonball, "moves its piston up and down, which makes the ball roll",
        everyone("{agent}.height", "ball.*"), ("--success", "50.0"), (Stated, SeesState),
    ),
    "pistonball, continuous": ThirdParty(
        "pettingzoo[butterfly]", pistonball_continuous,
        "moves its piston up and down, which makes the ball roll",
        everyone("{agent}.height", "ball.*"), ("--success", "50.0"), (Stated, SeesState, pistonball),
    ),
    "multiwalker": ThirdParty(
        "pettingzoo[sisl]", multiwalker, "moves its joints, and with them its hull and the package on top", WALKER,
        ("--state-fallback", "observations", "--success", "1.0"), (),
    ),
    "pursuit": ThirdParty(
        "pettingzoo[sisl]", pursuit, "walks; pursuers catch an evader by surrounding it",
        everyone("{agent}.*", "evaders"), ("--success", "5.0"),
    ),
    "MaMuJoCo swimmer": ThirdParty(
        "gymnasium-robotics", swimmer, "turns one joint; the whole body swims, so every dimension moves",
        everyone("*"), ("--success", "30.0"), (),
    ),
    "mpe2 simple_tag": ThirdParty(
        "mpe2", simple_tag, "accelerates; touching bodies push each other",
        everyone("{agent}.*", "*"), ("--success", "10.0"),
    ),
}  # fmt: skip
