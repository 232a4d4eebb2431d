"""What ISA's PettingZoo wrappers share: checks, the global state, success, freezing, saving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from pettingzoo import ParallelEnv
from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers.arrays import Array, with_prefix, without_prefix
from isa_wrappers.batch import check_finite
from isa_wrappers.errors import ScopeMismatchError, check_choice, check_float
from isa_wrappers.rewards import SegmentReward
from isa_wrappers.scope import InfluenceScope
from isa_wrappers.spaces import StateFallback, check_parallel, num_actions, read_state

Env: TypeAlias = "ParallelEnv[str, Any, int]"
Infos = dict[str, dict[str, Any]]
MODES = ("replace", "add")


class Turn(NamedTuple):
    """One step of the inner environment.

    Attributes:
        before: ``[K]`` the state before it.
        actions: what was sent.
        observations: what came back.
        rewards: what came back.
        infos: what came back.
    """

    before: npt.NDArray[np.float32]
    actions: dict[str, int]
    observations: dict[str, Any]
    rewards: dict[str, float]
    infos: Infos


class ScopeWrapper(BaseParallelWrapper[str, Any, int]):  # type: ignore[misc]
    """Base of ISA's wrappers around a ``ParallelEnv``.

    Subclasses override :meth:`_begin` (after a reset) and :meth:`_advance` (after a step).

    Args:
        env: the environment.
        scope: of its agents.
        state_fallback: where the global state comes from; a wrapper around another of ISA's takes that one's.

    Attributes:
        frozen: evaluating: nothing is counted or recorded. Set with :meth:`freeze`.
        global_state: ``[K]`` float32, the state after the last step.

    Raises:
        UnsupportedEnvironmentError: for an AEC or vectorised environment, or actions that are not discrete.
        ScopeMismatchError: if the scope was made for other agents, actions or (at the reset) another state.
    """

    def __init__(self, env: Env, scope: InfluenceScope, state_fallback: StateFallback = None) -> None:
        check_parallel(env)
        if isinstance(state_fallback, str):
            check_choice("state_fallback", state_fallback, ("observations",))
        super().__init__(env)
        self.scope = scope
        self.frozen = False
        self.global_state: npt.NDArray[np.float32] = np.zeros(scope.state_size, dtype=np.float32)
        self._fallback = state_fallback
        self._steps = 0
        self._living: set[str] = set()
        self._index = {agent: i for i, agent in enumerate(scope.agents)}
        self._numbers = [num_actions(env, agent) for agent in env.possible_agents]
        scope.check_fits(list(env.possible_agents), self._numbers, scope.state_size)

    def inner_wrappers(self) -> Iterator[Any]:
        """Walk from the next environment inwards."""
        env = self.env
        while env is not None:
            yield env
            env = getattr(env, "env", None)

    def freeze(self, frozen: bool = True) -> None:
        """Evaluate without counting or recording, here and in every ISA wrapper further in."""
        self.frozen = frozen
        for env in self.inner_wrappers():
            if isinstance(env, ScopeWrapper):
                env.frozen = frozen

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], Infos]:
        """Start an episode.

        Raises:
            ScopeMismatchError: if agents or state differ from the scope's.
            NonFiniteError: if the state holds NaN or infinity.
        """
        observations, infos = self.env.reset(seed=seed, options=options)
        self._steps = 0
        self._check_known(self.env.agents)
        self._see(observations)
        return self._begin(observations, infos, seed)

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Advance the environment."""
        before, self._living = self.global_state, set(self.env.agents)
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        self._steps += 1
        self._check_known(rewards)
        self._see(observations)
        observations, rewards, infos = self._advance(Turn(before, actions, observations, rewards, infos))
        return observations, rewards, terminations, truncations, infos

    def _begin(self, observations: dict[str, Any], infos: Infos, seed: int | None) -> tuple[dict[str, Any], Infos]:
        return observations, infos

    def _advance(self, turn: Turn) -> tuple[dict[str, Any], dict[str, float], Infos]:
        return turn.observations, turn.rewards, turn.infos

    def _check_known(self, agents: Iterable[str]) -> None:
        for agent in agents:
            if agent not in self._index:
                raise ScopeMismatchError(
                    f"agent {agent!r} is not among the scope's {list(self.scope.agents)}; names must stay the same"
                )

    def _see(self, observations: Mapping[str, Any]) -> None:
        """Read the global state, checked; a wrapper of ISA's further in has done so already."""
        if isinstance(self.env, ScopeWrapper) and self._fallback is None:
            self.global_state = self.env.global_state
            return
        state = read_state(self.env, observations, self._fallback)
        if len(state) != self.scope.state_size:
            self.scope.check_fits(self.scope.agents, self.scope.num_actions, len(state))
        if not np.isfinite(state).all():
            check_finite("state", state[None], self._steps, self.scope.state_names)
        self.global_state = state

    def state_dict(self) -> dict[str, Array]:
        """Return this wrapper's state and, under ``env.``, that of the ISA wrappers further in."""
        inner = next((env for env in self.inner_wrappers() if isinstance(env, ScopeWrapper)), None)
        return {} if inner is None else with_prefix("env", inner.state_dict())

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned."""
        inner = next((env for env in self.inner_wrappers() if isinstance(env, ScopeWrapper)), None)
        if inner is not None:
            inner.load_state_dict(without_prefix("env", state))


class IntrinsicReward(ScopeWrapper):
    """Base of the wrappers that change rewards.

    Args:
        env: the environment.
        scope: of its agents.
        mode: ``"replace"`` gives ``factor`` times the equation's whole reward, which holds the environment's with its
            own weight; ``"add"`` gives the environment's reward plus ``factor`` times the equation's intrinsic part.
        factor: see ``mode``.
        state_fallback: where the global state comes from.
    """

    def __init__(
        self,
        env: Env,
        scope: InfluenceScope,
        mode: str = "replace",
        factor: float = 1.0,
        state_fallback: StateFallback = None,
    ) -> None:
        check_choice("mode", mode, MODES)
        self.factor = check_float("factor", factor, 0.0)
        self.adds = mode == "add"
        super().__init__(env, scope, state_fallback)

    def _acting(self, turn: Turn) -> tuple[Array, Array, Array]:
        """Return who acted ``[A]`` bool, their actions ``[A]`` and the inner rewards ``[A]``, in the scope's order."""
        size = len(self._index)
        acted, chosen = np.zeros(size, dtype=bool), np.zeros(size, dtype=np.int64)
        outer = np.zeros(size, dtype=np.float32)
        for agent, action in turn.actions.items():
            if agent not in self._living:
                continue  # the dead and the unborn do not act, whatever is sent for them
            i = self._index[agent]
            acted[i], chosen[i] = True, action
        for agent, reward in turn.rewards.items():
            outer[self._index[agent]] = reward
        return acted, chosen, outer

    def _paid(
        self, turn: Turn, found: SegmentReward, name: str, special_weight: float
    ) -> tuple[dict[str, Any], dict[str, float], Infos]:
        """Return observations, new rewards, and infos that hold the parts and the reward that came in."""
        common_key, special_key = f"isa/{name}_common", f"isa/{name}_special"
        total, common, specials = (part.tolist() for part in found)
        paid: dict[str, float] = {}
        told: Infos = dict(turn.infos)
        for agent, reward in turn.rewards.items():
            i = self._index[agent]
            intrinsic = common[i] + special_weight * specials[i]
            paid[agent] = reward + self.factor * intrinsic if self.adds else self.factor * total[i]
            told[agent] = {
                **turn.infos.get(agent, {}), common_key: common[i], special_key: specials[i], "isa/env_reward": reward,
            }  # fmt: skip
        return turn.observations, paid, told
