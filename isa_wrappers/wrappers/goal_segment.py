"""Eq. 7's reward for progress towards a goal, around a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from typing import Any

import numpy as np

from isa_wrappers.config import GoalConfig
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.rewards.intrinsic import GoalReward
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.spaces import StateFallback
from isa_wrappers.wrappers.base import Env, Infos, IntrinsicReward, Turn
from isa_wrappers.wrappers.goal_sampling import GoalSampling


class GoalSegmentReward(IntrinsicReward):
    """Rewards each agent for the progress that its own action can have made towards the episode's goal.

    The reward becomes ``r_i = [D(a_i) meets D_c] r_c + alpha1 r_(i-c) + alpha2 r_env`` (Eq. 7 of arXiv 2505.08630)
    with ``r_seg`` the decrease of the distance to the goal on a segment. ``infos[agent]`` gains
    ``"isa/progress_common"`` (the first term), ``"isa/progress_special"`` (the second before its weight) and
    ``"isa/env_reward"`` (the reward that came in).

    Args:
        env: an environment with :class:`GoalSampling` in it.
        scope: of its agents.
        config: weights and lambda.
        mode: ``"replace"`` or ``"add"``, see :class:`~isa_wrappers.wrappers.base.IntrinsicReward`.
        factor: of the reward or of the added part.
        state_fallback: where the global state comes from.

    Raises:
        ScopeMismatchError: if it has another scope than that wrapper.
        InvalidValueError: without a :class:`GoalSampling` further in, or with another of this kind.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers import GoalBuffer
        >>> from isa_wrappers.envs import make_parallel
        >>> env = make_parallel("grid/unlock", num_agents=1, targets=[(0, 2)])
        >>> scope = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=4)
        >>> goals = GoalBuffer(state_size=4)
        >>> goals.add(np.array([[0.0, 2.0, 0.0, 2.0]]), np.array([True]))
        >>> env = GoalSegmentReward(GoalSampling(env, scope, goals), scope)
        >>> _ = env.reset(seed=0)
        >>> env.step({"agent_0": 2})[1]
        {'agent_0': 1.0}
    """

    part = "progress"

    def __init__(
        self,
        env: Env,
        scope: InfluenceScope,
        config: GoalConfig | None = None,
        mode: str = "replace",
        factor: float = 1.0,
        state_fallback: StateFallback = None,
    ) -> None:
        super().__init__(env, scope, mode, factor, state_fallback)
        inner = list(self.inner_wrappers())
        if any(isinstance(wrapper, GoalSegmentReward) for wrapper in inner):
            raise InvalidValueError(f"{env} has a goal-segment reward already; a second one would pay progress twice")
        sampling = next((wrapper for wrapper in inner if isinstance(wrapper, GoalSampling)), None)
        if sampling is None:
            raise InvalidValueError(
                f"GoalSegmentReward needs goals: wrap {env} with GoalSampling first, then with GoalSegmentReward"
            )
        if not np.array_equal(sampling.scope.agent_mask, scope.agent_mask):
            raise ScopeMismatchError("GoalSampling further in has another scope; give both the same one")
        self._sampling: GoalSampling = sampling
        self.goal_reward = GoalReward(scope, config)

    def _advance(self, turn: Turn) -> tuple[dict[str, Any], dict[str, float], Infos]:
        rewards, goal = self._inner_rewards(turn), self._sampling.goal
        found = self.goal_reward(turn.before, self.global_state, goal, turn.chosen, rewards, turn.acted)
        return self._paid(turn, found, self.goal_reward.config.alpha1)
