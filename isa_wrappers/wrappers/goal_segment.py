"""The goal reward of Eq. 7 around a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from isa_wrappers.border.spaces import StateFallback
from isa_wrappers.config import GoalConfig
from isa_wrappers.rewards.goal_reward import GoalReward
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.reward import RewardWrapper
from isa_wrappers.wrappers.turn import Env


class GoalSegmentReward(RewardWrapper):
    """Rewards each agent for progress towards the episode's goal that its action can have caused.

    The reward becomes ``r_i = [D(a_i) meets D_c] r_c + alpha1 r_(i-c) + alpha2 r_env`` (Eq. 7 of arXiv 2505.08630)
    where ``r_seg`` is the decrease of the distance to the goal on a segment. ``infos[agent]`` gains
    ``"isa/progress_common"`` (the first term), ``"isa/progress_special"`` (the second without its weight) and
    ``"isa/env_reward"`` (the incoming reward).

    Args:
        env: an environment that contains a :class:`GoalSampling`.
        scope: the scope, or credit made from it, that the :class:`GoalSampling` uses.
        config: weights and lambda.
        mode: ``"replace"`` or ``"add"``, see :class:`~isa_wrappers.wrappers.reward.RewardWrapper`.
        factor: factor of the reward or of the added part.
        state_fallback: source of the global state.

    Attributes:
        goal_reward: the reward of Eq. 7.

    Raises:
        ScopeMismatchError: if the scope differs from that of the goals.
        InvalidValueError: if there is no :class:`GoalSampling` inside, or already another goal reward.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers import GoalBuffer
        >>> from isa_wrappers.envs import make_parallel
        >>> from isa_wrappers.wrappers import GoalSampling
        >>> env = make_parallel("grid/unlock", num_agents=1, targets=[(0, 2)])
        >>> scope = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=4)
        >>> goals = GoalBuffer(state_size=4)
        >>> goals.add(np.array([[0.0, 2.0, 0.0, 2.0]]), np.array([True]))
        >>> env = GoalSegmentReward(GoalSampling(env, scope, goals), scope)
        >>> _ = env.reset(seed=0)
        >>> env.step({"agent_0": 2})[1]
        {'agent_0': 1.0}
    """

    def __init__(
        self,
        env: Env,
        scope: InfluenceScope | Credit,
        config: GoalConfig | None = None,
        mode: str = "replace",
        factor: float = 1.0,
        state_fallback: StateFallback = None,
    ) -> None:
        self.goal_reward = GoalReward(scope, config)
        super().__init__(env, self.goal_reward, mode, factor, scope, state_fallback)
