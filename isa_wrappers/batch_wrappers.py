"""Former names of the batched wrappers, and their former composition."""

from __future__ import annotations

from isa_wrappers.arrays import Array
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.batch.wrapper import BatchWrapper
from isa_wrappers.rewards.count_bonus import CountBonus
from isa_wrappers.rewards.goal_reward import GoalReward
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.rewards.projection import GoalProjection
from isa_wrappers.wrappers.batch import EpisodeStatistics, GoalRecording, GoalSampling, RewardWrapper

__all__ = ["BatchCountBonus", "BatchGoals", "BatchRecorder"]


class BatchRecorder(EpisodeStatistics):
    """:class:`EpisodeStatistics` around :class:`GoalRecording`, or only the former without ``goals``."""

    def __init__(self, env: BatchEnv, goals: GoalBuffer | None = None) -> None:
        super().__init__(env if goals is None else GoalRecording(env, goals))
        self.goals = goals


class BatchCountBonus(RewardWrapper):
    """:class:`RewardWrapper` with the reward of Eq. 10."""

    def __init__(self, env: BatchEnv, bonus: CountBonus) -> None:
        super().__init__(env, bonus)
        self.bonus = bonus


class BatchGoals(BatchWrapper):
    """:class:`GoalSampling`, inside a :class:`RewardWrapper` with Eq. 7 unless ``reward`` is ``None``."""

    def __init__(
        self,
        env: BatchEnv,
        goals: GoalBuffer,
        projection: GoalProjection,
        reward: GoalReward | None = None,
        seed: int = 0,
    ) -> None:
        self.sampling = GoalSampling(env, goals, projection, seed)
        super().__init__(self.sampling if reward is None else RewardWrapper(self.sampling, reward))
        self.goals = goals
        self.projection = projection
        self.reward = reward

    @property
    def goal(self) -> Array:
        """Won states to reach next, ``[B, K]``."""
        return self.sampling.goal

    @property
    def episode_goal(self) -> Array:
        """Goals of the last step, before any automatic reset, ``[B, K]``."""
        return self.sampling.episode_goal
