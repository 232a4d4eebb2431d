"""Any intrinsic reward around a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, with_prefix, without_prefix
from isa_wrappers.border.layers import layers_of
from isa_wrappers.border.observations import check_narrow
from isa_wrappers.border.spaces import StateFallback, flat_size, flatten
from isa_wrappers.checks import check_finite
from isa_wrappers.errors import check_choice, check_float, check_kind
from isa_wrappers.rewards.base import IntrinsicReward, checked
from isa_wrappers.rewards.transition import PlainStep, Transition
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.base import ScopeWrapper
from isa_wrappers.wrappers.checks import MODES, check_on_host, check_stack
from isa_wrappers.wrappers.goal_sampling import GoalSampling
from isa_wrappers.wrappers.turn import Env, Infos, Turn


class RewardWrapper(ScopeWrapper):
    """Pays each agent an intrinsic reward.

    ``infos[agent]`` gains each part of the reward as ``"isa/NAME_PART"``, and the incoming reward as
    ``"isa/env_reward"``.

    Args:
        env: a ``ParallelEnv``.
        reward: the intrinsic reward to pay. If it needs goals, the stack must contain a :class:`GoalSampling`.
        mode: ``"replace"`` returns ``factor`` times the total of the reward, which includes the weighted reward of the
            environment; ``"add"`` returns the environment's reward plus ``factor`` times the intrinsic part.
        factor: see ``mode``.
        scope: scope of the agents, or credit; by default the credit that the reward was made for, if any.
        state_fallback: source of the global state: ``None`` (``env.state()``), ``"observations"`` or a function.

    Attributes:
        reward: the intrinsic reward.

    Raises:
        InvalidValueError: if the mode is unknown, the reward needs goals but there are none, or the stack already pays
            a reward of the same name.
        ScopeMismatchError: if the reward was made for another environment, or for other dimensions than the goals.
        UnsupportedEnvironmentError: if ``env`` is not a ``ParallelEnv``.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> from isa_wrappers.rewards import RewardContext, make_reward
        >>> from isa_wrappers.scope.credit import credit_for
        >>> env = make_parallel("grid/shooting")
        >>> anything = InfluenceScope.of_everything(env.possible_agents, [6, 6, 6], state_size=7)
        >>> context = RewardContext.of(env, credit_for(anything, "whole_state"))
        >>> env = RewardWrapper(env, make_reward("count_bonus", context))
        >>> observations, infos = env.reset(seed=0)
        >>> _, rewards, _, _, infos = env.step({agent: 0 for agent in env.agents})
        >>> rewards["agent_0"], infos["agent_0"]["isa/bonus_common"]
        (1.0, 1.0)
    """

    def __init__(
        self,
        env: Env,
        reward: IntrinsicReward,
        mode: str = "replace",
        factor: float = 1.0,
        scope: InfluenceScope | Credit | None = None,
        state_fallback: StateFallback = None,
    ) -> None:
        check_kind("reward", reward, IntrinsicReward)
        self.adds = check_choice("mode", mode, MODES) == "add"
        self.factor = check_float("factor", factor, 0.0)
        super().__init__(env, reward.credit if scope is None else scope, state_fallback)
        self.reward = reward
        self._sampling = next(layers_of(self.env, GoalSampling), None)
        payers = [payer.reward for payer in layers_of(self.env, RewardWrapper)]
        check_stack(env, reward, payers, None if self._sampling is None else self._sampling.projection)
        check_on_host(reward)
        self._checked_credit = reward.credit
        self._last: tuple[Any, list[float]] = (None, [])
        self._goal: tuple[Any, list[float]] = (None, [])
        self._keys = {part: f"isa/{reward.name}_{part}" for part in reward.parts}
        self._obs_size = (
            max(flat_size(self.env.observation_space(agent)) for agent in self._index) if reward.needs_obs else 0
        )
        self._obs: npt.NDArray[np.float32] | None = None
        self._available: npt.NDArray[np.bool_] | None = None

    def _begin(self, observations: dict[str, Any], infos: Infos, seed: int | None) -> tuple[dict[str, Any], Infos]:
        if self.reward.credit is not self._checked_credit:  # the reward has followed an extended scope
            if self.reward.needs_goal and self._sampling is not None and self.reward.credit is not None:
                self._sampling.projection.check_fits(self.reward.credit)
            self._checked_credit = self.reward.credit
        self._remember_observed(observations)
        # Use the same keys from the reset on, since some learners allocate space for the infos of a reset.
        zeros = dict.fromkeys((*self._keys.values(), "isa/env_reward"), 0.0)
        infos_with_zeros = {agent: {**infos.get(agent, {}), **zeros} for agent in observations if agent in self._index}
        return observations, {**infos, **infos_with_zeros}

    def _advance(self, turn: Turn) -> tuple[dict[str, Any], dict[str, float], Infos]:
        env_rewards = self._env_rewards(turn)
        if self.reward.plain is not None:
            paid = self.reward.plain(self._plain_step(turn, env_rewards), not self.frozen)
            agent_rewards = paid.intrinsic if self.adds else paid.total
            if not isfinite(sum(agent_rewards)):
                self._refuse_infinite(agent_rewards)
            return self._results(turn, agent_rewards, paid.parts)
        obs_t, available = self._obs, self._available
        self._remember_observed(turn.observations, turn.acted)
        transition = Transition(
            s_t=turn.before,
            s_tp1=self.global_state,
            obs_tp1=self._obs,
            actions=np.array(turn.chosen, dtype=np.int64),
            reward=np.array(env_rewards, dtype=np.float32),
            alive=np.array(turn.acted, dtype=bool),
            goal=None if self._sampling is None else self._sampling.goal,
            obs_t=obs_t,
            start=np.array(self._steps == 1),
            available=available,
            won_share=None if self._sampling is None else self._sampling.goals.won_share,
        )
        paid = checked(self.reward, self.reward(transition, update=not self.frozen), transition.reward)
        parts = {name: part.tolist() for name, part in paid.parts.items()}
        agent_rewards = paid.intrinsic if self.adds else paid.total
        self._refuse_infinite(agent_rewards)
        return self._results(turn, agent_rewards.tolist(), parts)

    def _refuse_infinite(self, rewards: Any) -> None:
        check_finite(f"reward {self.reward.name!r}", np.asarray(rewards)[None], self._steps, tuple(self._index))

    def _plain_step(self, turn: Turn, env_rewards: list[float]) -> PlainStep:
        """Return the step as lists; unchanged states and goals keep the same list object between steps."""
        (last_state, before), after = self._last, self.numbers()
        if last_state is not turn.before:
            before = turn.before.tolist()
        self._last = self.global_state, after
        goal = None
        is_wide = turn.before.dtype != np.float32
        won_share = 0.0
        if self._sampling is not None:
            if self._goal[0] is not self._sampling.goal:
                self._goal = self._sampling.goal, self._sampling.goal.tolist()
            goal, is_wide = self._goal[1], is_wide or self._sampling.goal.dtype != np.float32
            won_share = float(self._sampling.goals.won_share)
        return PlainStep(before, after, turn.chosen, env_rewards, turn.acted, goal, is_wide, won_share)

    def _remember_observed(self, observations: dict[str, Any], acted: list[bool] | None = None) -> None:
        """Store the observations and masks that the reward needs, in the layout of a batch."""
        if self.reward.needs_obs:
            self._obs = self._flat_observations(observations, acted)
        if self.reward.needs_available:
            masks = self.masks
            self._available = np.zeros((len(self._index), max(self.num_actions)), dtype=bool)
            for agent in self.agents:
                i = self._index[agent]
                self._available[i, : self.num_actions[i]] = masks.get(agent, True)

    def _flat_observations(self, observations: dict[str, Any], acted: list[bool] | None) -> npt.NDArray[np.float32]:
        """Return the agents' observations ``[A, O]``, flat, padded with zeros."""
        flat = np.zeros((len(self._index), self._obs_size), dtype=np.float32)
        for agent, i in self._index.items():
            if observations.get(agent) is not None:
                vector = flatten(self.env.observation_space(agent), observations[agent])
                check_narrow(vector, agent, self._steps)
                flat[i, : len(vector)] = vector
            elif acted is not None and acted[i] and self._obs is not None:  # no observation after its last step
                flat[i] = self._obs[i]
        return flat

    def _env_rewards(self, turn: Turn) -> list[float]:
        """Return the incoming rewards as A plain numbers."""
        rewards = [turn.rewards.get(agent, 0.0) for agent in self._index]
        total = sum(rewards)
        if type(total) is not float:
            rewards = [float(reward) for reward in rewards]
        if not isfinite(total):
            check_finite("reward", np.array([rewards]), self._steps, tuple(self._index))
        return rewards

    def _results(
        self, turn: Turn, pays: list[float], parts: Mapping[str, list[float]]
    ) -> tuple[dict[str, Any], dict[str, float], Infos]:
        """Return observations, new rewards, and infos with the parts and the incoming reward."""
        part_values = [(key, parts[part]) for part, key in self._keys.items()]
        index = self._index
        factor = self.factor
        adds = self.adds
        rewards: dict[str, float] = {}
        new_infos: Infos = dict(turn.infos)
        for agent, reward in turn.rewards.items():
            i = index[agent]
            rewards[agent] = float(reward) + factor * pays[i] if adds else factor * pays[i]
            new_infos[agent] = info = dict(turn.infos.get(agent, ()))
            for key, values in part_values:
                info[key] = values[i]
            info["isa/env_reward"] = reward
        return turn.observations, rewards, new_infos

    def state_dict(self) -> dict[str, Array]:
        """Return the state of the reward and of the wrappers inside."""
        return super().state_dict() | with_prefix("reward", self.reward.state_dict())

    def _saved_parts(self) -> set[str]:
        return super()._saved_parts() | {"reward"}

    def _load(self, state: dict[str, Array]) -> None:
        super()._load(state)
        self.reward.load_state_dict(without_prefix("reward", state))
