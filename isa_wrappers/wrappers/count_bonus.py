"""Eq. 10's exploration bonus around a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from typing import Any

import numpy as np
from pettingzoo import ParallelEnv
from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers.arrays import Array
from isa_wrappers.batch import check_finite
from isa_wrappers.config import CountConfig
from isa_wrappers.counts import VisitCounter
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.intrinsic import CountBonus
from isa_wrappers.scope import InfluenceScope


class InfluenceCountBonus(BaseParallelWrapper[str, Any, int]):  # type: ignore[misc]
    """Rewards each agent for rarely visited values of the state dimensions it can move.

    The reward becomes ``r_i+ = [D(a_i) meets D_c] N(s'_c)^-1/2 + beta1 N(s'_(i-c))^-1/2 + beta2 r_env`` (Eq. 10 of
    arXiv 2505.08630). ``infos[agent]`` gains ``"isa/bonus_common"`` (the first term), ``"isa/bonus_special"`` (the
    second before its weight) and ``"isa/env_reward"``. Dead agents visit nothing.

    Args:
        env: a ``ParallelEnv`` with discrete actions and a ``state()``.
        scope: of its agents, from :func:`~isa_wrappers.estimation.estimate_scope`.
        config: weights and counting.
        counter: share one between environments; by default the wrapper has its own.

    Attributes:
        counting: set to False to evaluate without counting.

    Raises:
        ScopeMismatchError: if the scope was made for another environment (checked against actions and agents here,
            against the state's length at the first reset).
        UnsupportedEnvironmentError: if ``env`` is no ``ParallelEnv`` or has no ``state()``.

    Example:
        >>> from isa_wrappers import ScopeConfig, estimate_scope
        >>> from isa_wrappers.envs import make_parallel
        >>> env = make_parallel("grid/shooting")
        >>> env = InfluenceCountBonus(env, estimate_scope(env, ScopeConfig(transitions=600)))
        >>> observations, infos = env.reset(seed=0)
        >>> _, rewards, _, _, infos = env.step({agent: 4 for agent in env.agents})
        >>> round(rewards["agent_0"], 3), infos["agent_0"]["isa/bonus_special"]
        (0.2, 1.0)
    """

    def __init__(
        self,
        env: ParallelEnv[str, Any, int],
        scope: InfluenceScope,
        config: CountConfig | None = None,
        counter: VisitCounter | None = None,
    ) -> None:
        if not hasattr(env, "possible_agents") or hasattr(env, "agent_iter"):
            raise UnsupportedEnvironmentError(
                f"{env} is not a ParallelEnv; convert an AEC environment with "
                "pettingzoo.utils.conversions.aec_to_parallel"
            )
        super().__init__(env)
        self.scope = scope
        self.bonus = CountBonus(scope, config, counter=counter)
        self.counting = True
        self._steps = 0
        self._check_fits(scope.state_size)

    def _check_fits(self, state_size: int) -> None:
        agents = list(self.env.possible_agents)
        numbers = [int(getattr(self.env.action_space(agent), "n", 0)) for agent in agents]
        self.scope.check_fits(agents, numbers, state_size)

    def _state(self) -> Array:
        try:
            state = np.asarray(self.env.state(), dtype=np.float32).reshape(-1)
        except (NotImplementedError, AttributeError) as error:
            raise UnsupportedEnvironmentError(f"{self.env} has no state(), which the count bonus needs") from error
        check_finite("state", state[None], self._steps, self.scope.state_names)
        return state

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Start an episode; counts go on."""
        observations, infos = self.env.reset(seed=seed, options=options)
        self._steps = 0
        self._check_fits(len(self._state()))
        return observations, infos

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Advance the environment and reward what was visited."""
        acting = np.array([agent in actions for agent in self.scope.agents])
        chosen = np.array([int(actions.get(agent, 0)) for agent in self.scope.agents])
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        self._steps += 1
        outer = np.array([rewards.get(agent, 0.0) for agent in self.scope.agents], dtype=np.float32)
        found = self.bonus(self._state(), chosen, outer, acting, self.counting)
        infos = {agent: dict(info) for agent, info in infos.items()}
        new_rewards = dict(rewards)
        for i, agent in enumerate(self.scope.agents):
            if agent not in rewards:
                continue
            new_rewards[agent] = float(found.total[i])
            infos.setdefault(agent, {}).update(
                {
                    "isa/bonus_common": float(found.common[i]),
                    "isa/bonus_special": float(found.special[i]),
                    "isa/env_reward": float(rewards[agent]),
                }
            )
        return observations, new_rewards, terminations, truncations, infos

    def state_dict(self) -> dict[str, Array]:
        """Return the counts."""
        return self.bonus.counter.state_dict()

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore the counts."""
        self.bonus.counter.load_state_dict(state)
