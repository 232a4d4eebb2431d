"""The goal reward of Eq. 7 around a batched environment."""

from __future__ import annotations

from isa_wrappers.batch.protocol import BatchEnv, check_batch
from isa_wrappers.config import GoalConfig
from isa_wrappers.rewards.goal_reward import GoalReward
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.batch.reward import RewardWrapper


class GoalSegmentReward(RewardWrapper):
    """Rewards each agent for progress towards its goal that its action can have caused.

    The reward is Eq. 7 of arXiv 2505.08630.

    Args:
        env: a batched environment that contains a :class:`GoalSampling`.
        scope: the scope, or credit made from it, that the :class:`GoalSampling` uses.
        config: weights and lambda.
        mode: ``"replace"`` or ``"add"``, see :class:`~isa_wrappers.wrappers.batch.reward.RewardWrapper`.
        factor: factor of the reward or of the added part.

    Attributes:
        goal_reward: the reward of Eq. 7.

    Raises:
        ScopeMismatchError: if the scope was made for another environment, or differs from that of the goals.
        InvalidValueError: if there is no :class:`GoalSampling` inside, or already another goal reward.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers import GoalBuffer
        >>> from isa_wrappers.envs import make_batch
        >>> from isa_wrappers.wrappers.batch import GoalSampling
        >>> scope = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=4)
        >>> goals = GoalBuffer(state_size=4)
        >>> goals.add(np.array([[0.0, 2.0, 0.0, 2.0]]), np.array([True]))
        >>> env = make_batch("grid/unlock", 1, num_agents=1, targets=[(0, 2)])
        >>> env = GoalSegmentReward(GoalSampling(env, goals, scope), scope)
        >>> _ = env.reset(seed=0)
        >>> env.step(np.array([[2]])).reward.tolist()
        [[1.0]]
    """

    def __init__(
        self,
        env: BatchEnv,
        scope: InfluenceScope | Credit,
        config: GoalConfig | None = None,
        mode: str = "replace",
        factor: float = 1.0,
    ) -> None:
        check_batch(env)
        self.goal_reward = GoalReward(scope, config, env.device)
        super().__init__(env, self.goal_reward, mode, factor)
