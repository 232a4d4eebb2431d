"""ISA's components as wrappers of batched environments, with the same names as for PettingZoo environments.

Algorithm 1 as a composition, with ``env`` batched::

    explore = InfluenceCountBonus(GoalRecording(env, goals), scope)  # train here until len(goals) > 0
    reach = GoalSegmentReward(GoalSampling(GoalRecording(env, goals), goals, scope), scope)  # then a new policy here

:class:`RewardWrapper` pays any intrinsic reward. :class:`EpisodeStatistics`, next to the environment, collects episode
statistics. :func:`follow_scope` passes an extended scope to a stack.
"""

from isa_wrappers.wrappers.batch.count_bonus import InfluenceCountBonus
from isa_wrappers.wrappers.batch.episode_statistics import EpisodeStatistics
from isa_wrappers.wrappers.batch.follow import follow_scope
from isa_wrappers.wrappers.batch.goal_recording import GoalRecording
from isa_wrappers.wrappers.batch.goal_sampling import GoalSampling
from isa_wrappers.wrappers.batch.goal_segment import GoalSegmentReward
from isa_wrappers.wrappers.batch.reward import RewardWrapper

__all__ = [
    "EpisodeStatistics",
    "GoalRecording",
    "GoalSampling",
    "GoalSegmentReward",
    "InfluenceCountBonus",
    "RewardWrapper",
    "follow_scope",
]
