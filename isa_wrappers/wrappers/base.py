"""What ISA's PettingZoo wrappers share: checks, the global state, success, freezing, saving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from pettingzoo import ParallelEnv
from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers.arrays import Array, with_prefix, without_prefix
from isa_wrappers.batch.protocol import check_finite
from isa_wrappers.errors import ScopeMismatchError, check_choice, check_float
from isa_wrappers.rewards.segments import SegmentReward
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.spaces import StateFallback, check_parallel, check_state_fallback, num_actions, read_state

Env: TypeAlias = "ParallelEnv[str, Any, int]"
Infos = dict[str, dict[str, Any]]
MODES = ("replace", "add")


class Turn(NamedTuple):
    """One step of the inner environment.

    Attributes:
        before: ``[K]`` the state before it.
        acted: ``[A]`` bool, who acted; what is sent for the dead and the unborn does not count.
        chosen: ``[A]`` int64, their actions.
        observations: what came back.
        rewards: what came back.
        infos: what came back.
    """

    before: npt.NDArray[np.float32]
    acted: npt.NDArray[np.bool_]
    chosen: npt.NDArray[np.int64]
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
        check_state_fallback(state_fallback)
        super().__init__(env)
        self.scope = scope
        self.frozen = False
        self.global_state: npt.NDArray[np.float32] = np.zeros(scope.state_size, dtype=np.float32)
        self._fallback = state_fallback
        self._steps = 0
        # The next wrapper of ISA's further in; its state is this one's too unless this one has a source of its own.
        self._inner = next((inner for inner in self.inner_wrappers() if isinstance(inner, ScopeWrapper)), None)
        self._acted, self._chosen = np.zeros(scope.num_agents, dtype=bool), np.zeros(scope.num_agents, dtype=np.int64)
        self._index = {agent: i for i, agent in enumerate(scope.agents)}
        self._reader = self._inner if state_fallback is None else None
        size = scope.state_size if self._reader is None else self._reader.scope.state_size
        scope.check_fits(list(env.possible_agents), [num_actions(env, agent) for agent in env.possible_agents], size)

    def inner_wrappers(self) -> Iterator[Any]:
        """Walk from the next environment inwards, through conversions to AEC and back too."""
        env = self.env
        while env is not None:
            yield env
            env = getattr(env, "env", None) or getattr(env, "aec_env", None)

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
        before, living = self.global_state, set(self.env.agents)
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        self._steps += 1
        if self._inner is self.env:
            self._acted, self._chosen = self._inner._acted, self._inner._chosen
        else:
            self._check_known((*rewards, *self.env.agents))
            self._note(actions, living)
        self._see(observations)
        turn = Turn(before, self._acted, self._chosen, observations, rewards, infos)
        observations, rewards, infos = self._advance(turn)
        return observations, rewards, terminations, truncations, infos

    def _begin(self, observations: dict[str, Any], infos: Infos, seed: int | None) -> tuple[dict[str, Any], Infos]:
        return observations, infos

    def _advance(self, turn: Turn) -> tuple[dict[str, Any], dict[str, float], Infos]:
        return turn.observations, turn.rewards, turn.infos

    def _note(self, actions: Mapping[str, int], living: set[str]) -> None:
        """Keep who acted, and how."""
        size = len(self._index)
        self._acted, self._chosen = np.zeros(size, dtype=bool), np.zeros(size, dtype=np.int64)
        for agent, action in actions.items():
            if agent in living:
                i = self._index[agent]
                self._acted[i], self._chosen[i] = True, action

    def _check_known(self, agents: Iterable[str]) -> None:
        for agent in agents:
            if agent not in self._index:
                raise ScopeMismatchError(
                    f"agent {agent!r} is not among the scope's {list(self.scope.agents)}; names must stay the same"
                )

    def _see(self, observations: Mapping[str, Any]) -> None:
        """Read the global state, checked; a wrapper of ISA's further in has done so already."""
        if self._reader is not None:
            self.global_state = self._reader.global_state
            return
        state = read_state(self.env, observations, self._fallback)
        if len(state) != self.scope.state_size:
            self.scope.check_fits(self.scope.agents, self.scope.num_actions, len(state))
        if not isfinite(state.dot(state)):  # cheaper than a look at each number
            check_finite("state", state[None], self._steps, self.scope.state_names)
        self.global_state = state

    def _reads_state(self) -> bool:
        """Tell whether the global state is the environment's own ``state()``."""
        return self._fallback is None and (self._reader is None or self._reader._reads_state())

    def state_dict(self) -> dict[str, Array]:
        """Return this wrapper's state and, under ``env.``, that of the ISA wrappers further in."""
        return {} if self._inner is None else with_prefix("env", self._inner.state_dict())

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned."""
        if self._inner is not None:
            self._inner.load_state_dict(without_prefix("env", state))


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

    part = ""
    """What this reward's parts are called in the infos."""

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
        self._keys = f"isa/{self.part}_common", f"isa/{self.part}_special", "isa/env_reward"
        super().__init__(env, scope, state_fallback)

    def _begin(self, observations: dict[str, Any], infos: Infos, seed: int | None) -> tuple[dict[str, Any], Infos]:
        # The same keys from the first on: some learners lay out room for what a reset tells.
        nothing = dict.fromkeys(self._keys, 0.0)
        told = {agent: {**infos.get(agent, {}), **nothing} for agent in observations if agent in self._index}
        return observations, {**infos, **told}

    def _inner_rewards(self, turn: Turn) -> npt.NDArray[np.float32]:
        """Return the rewards that came in, ``[A]`` in the scope's order."""
        rewards = np.array([turn.rewards.get(agent, 0.0) for agent in self._index], dtype=np.float32)
        if not isfinite(rewards.dot(rewards)):
            check_finite("reward", rewards[None], self._steps, self.scope.agents)
        return rewards

    def _paid(
        self, turn: Turn, found: SegmentReward, special_weight: float
    ) -> tuple[dict[str, Any], dict[str, float], Infos]:
        """Return observations, new rewards, and infos that hold the parts and the reward that came in."""
        common_key, special_key, reward_key = self._keys
        total, common, specials = (part.tolist() for part in found)
        paid: dict[str, float] = {}
        told: Infos = dict(turn.infos)
        for agent, reward in turn.rewards.items():
            i = self._index[agent]
            if self.adds:
                paid[agent] = reward + self.factor * (common[i] + special_weight * specials[i])
            else:
                paid[agent] = self.factor * total[i]
            told[agent] = {
                **turn.infos.get(agent, {}), common_key: common[i], special_key: specials[i], reward_key: reward,
            }  # fmt: skip
        return turn.observations, paid, told
