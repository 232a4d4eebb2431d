"""The particle environments of package ``mpe2``, with a world state, success and an optional sparse reward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers.envs.family import EnvFamily
from isa_wrappers.errors import (
    InvalidValueError,
    MissingDependencyError,
    UnknownTaskError,
    check_float,
    check_int,
    nearest,
)

Success = Callable[[Any, float], bool]


def _distance(a: Any, b: Any) -> float:
    return float(np.linalg.norm(a.state.p_pos - b.state.p_pos))


def _all_covered(world: Any, within: float) -> bool:
    """Return whether every landmark has an agent on it."""
    return all(min(_distance(agent, landmark) for agent in world.agents) < within for landmark in world.landmarks)


def _goals_reached(world: Any, within: float) -> bool:
    """Return whether every directed agent stands on its landmark."""
    # ``goal_a`` is the directed agent and ``goal_b`` its landmark; both are None for agents that direct no other.
    pairs = [(agent._goal_a, agent._goal_b) for agent in world.agents if agent._goal_a is not None]
    return bool(pairs) and all(_distance(directed, landmark) < within for directed, landmark in pairs)


SUCCESS: dict[str, Success] = {
    "simple_spread_v3": _all_covered,
    "simple_v3": _all_covered,
    "simple_reference_v3": _goals_reached,
    "simple_speaker_listener_v4": _goals_reached,
}
"""Success criterion by environment: a function of mpe2's world and a distance."""


def mpe_names() -> list[str]:
    """List the environments of the installed ``mpe2``; empty if it is not installed."""
    try:
        import mpe2
    except ImportError:
        return []
    return sorted(m.name for m in iter_modules(mpe2.__path__) if m.name.rpartition("_v")[2].isdigit())


class MPEParallelEnv(BaseParallelWrapper[str, Any, int]):  # type: ignore[misc]
    """A particle environment whose ``state()`` is the world instead of the concatenated observations.

    The state contains the x, y and velocity of every agent, the messages of speaking agents, then the x and y of every
    landmark. (The ``state()`` of ``mpe2`` repeats each position relative to every observer.) A move changes the
    velocity immediately and the position one step later. ``infos[agent]["success"]`` is true in a won step. In
    ``simple_spread`` and ``simple``, a step is won if every landmark has an agent within ``success_distance``; in
    ``simple_reference`` and ``simple_speaker_listener``, if every directed agent is that close to its landmark.

    Args:
        name: name of the environment, such as ``simple_spread_v3``.
        sparse: replace the reward with 1 for every agent on success, else 0; success then ends the episode.
        success_distance: distance in the units of the world.
        success: your own ``(world, distance) -> bool``; required for ``sparse`` if no criterion is defined.
        layout_seed: seed of one layout of agents and landmarks from which every episode starts, so that a won state
            remains a valid goal; by default each episode draws its own layout.
        kwargs: options passed to ``mpe2``, such as ``N=2`` or ``max_cycles=50``.

    Raises:
        MissingDependencyError: if ``mpe2`` is not installed.
        UnknownTaskError: if it has no such environment.
        InvalidValueError: if ``sparse`` is requested but success is not defined, or ``mpe2`` refuses an option.
    """

    def __init__(
        self,
        name: str,
        sparse: bool = False,
        success_distance: float = 0.1,
        success: Success | None = None,
        layout_seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        try:
            import mpe2  # noqa: F401
        except ImportError as error:
            raise MissingDependencyError(f"mpe/{name} needs mpe2, which is not installed; pip install mpe2") from error
        if name not in mpe_names():
            raise UnknownTaskError(
                f"mpe2 has no environment {name!r}{nearest(name, mpe_names()) or ';'} it has {', '.join(mpe_names())}"
            )
        self._success = success or SUCCESS.get(name)
        self.success_distance = check_float("success_distance", success_distance, 0.0)
        if sparse and self._success is None:
            raise InvalidValueError(
                f"mpe/{name} has no sparse mode: success is defined for {', '.join(SUCCESS)}; pass a success function"
            )
        self.sparse = sparse
        self.layout_seed = None if layout_seed is None else check_int("layout_seed", layout_seed, 0)
        self._over = False
        try:
            env = import_module(f"mpe2.{name}").parallel_env(**kwargs)
        except (TypeError, AssertionError) as error:
            raise InvalidValueError(f"mpe/{name} does not accept these options: {error}") from error
        super().__init__(env)
        self.world = env.unwrapped.world
        self.horizon = int(env.unwrapped.max_cycles)
        self.state_names = tuple(self._dimension_names())
        self.state_space = spaces.Box(-np.inf, np.inf, (len(self.state_names),), np.float32)

    @property
    def agents(self) -> list[str]:
        """Agents that act next; empty once a sparse episode is won."""
        return [] if self._over else list(self.env.agents)

    def _dimension_names(self) -> list[str]:
        names = []
        for agent in self.world.agents:
            names += [f"{agent.name}.{quantity}" for quantity in ("x", "y", "vx", "vy")]
            if not agent.silent:
                names += [f"{agent.name}.says_{i}" for i in range(self.world.dim_c)]
        return names + [f"{mark.name.replace(' ', '_')}.{axis}" for mark in self.world.landmarks for axis in "xy"]

    def state(self) -> npt.NDArray[np.float32]:
        """Return the world as ``[K]`` float32; :attr:`state_names` names each dimension."""
        parts = []
        for agent in self.world.agents:
            parts += [agent.state.p_pos, agent.state.p_vel]
            if not agent.silent:
                parts.append(agent.state.c)
        parts += [mark.state.p_pos for mark in self.world.landmarks]
        return np.concatenate(parts, dtype=np.float32)

    def _won(self) -> bool:
        return self._success is not None and bool(self._success(self.world, self.success_distance))

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Start an episode."""
        self._over = False
        layout = seed if self.layout_seed is None else self.layout_seed
        observations, infos = self.env.reset(seed=layout, options=options)
        return observations, {agent: {**infos.get(agent, {}), "success": False} for agent in observations}

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Advance the world."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        won = self._won()
        infos = {agent: {**infos.get(agent, {}), "success": won} for agent in observations}
        if self.sparse:
            rewards = {agent: float(won) for agent in rewards}
            if won:
                terminations, truncations = dict.fromkeys(rewards, True), dict.fromkeys(rewards, False)
                self._over = True
        return observations, rewards, terminations, truncations, infos


class MPEFamily(EnvFamily):
    """``mpe/NAME``: the particle environments."""

    prefix = "mpe"
    description = "particle environments"

    def tasks(self) -> Mapping[str, str]:
        """Return the environments of the installed ``mpe2``."""
        return {f"mpe/{name}": "particle environment of package mpe2" for name in mpe_names()}

    def missing(self) -> str | None:
        """Return how to install ``mpe2``."""
        return None if mpe_names() else "needs mpe2: pip install 'isa-marl[mpe]'"

    def check(self, name: str) -> None:
        """Do nothing: the environment itself checks the name."""

    def parallel(self, name: str, **kwargs: Any) -> MPEParallelEnv:
        """Create one environment."""
        return MPEParallelEnv(self.short(name), **kwargs)


FAMILY = MPEFamily()
