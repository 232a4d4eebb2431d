"""ISA's components as PettingZoo parallel wrappers, which work with any learner.

Algorithm 1 as a composition::

    explore = InfluenceCountBonus(GoalRecording(env, scope, goals), scope)  # train here until len(goals) > 0
    reach = GoalSegmentReward(GoalSampling(env, scope, goals), scope)  # then a new policy here

:class:`RewardWrapper` pays any intrinsic reward, so a new reward needs no new wrapper.
``isa_wrappers.wrappers.batch`` provides the same classes for batched environments.
"""

from typing import TYPE_CHECKING

from isa_wrappers.border.success import SuccessCriterion, SuccessRule
from isa_wrappers.moved import former_names
from isa_wrappers.wrappers.base import ScopeWrapper
from isa_wrappers.wrappers.count_bonus import InfluenceCountBonus
from isa_wrappers.wrappers.episode_statistics import EpisodeStatistics
from isa_wrappers.wrappers.goal_recording import GoalRecording
from isa_wrappers.wrappers.goal_sampling import GoalSampling
from isa_wrappers.wrappers.goal_segment import GoalSegmentReward
from isa_wrappers.wrappers.reward import RewardWrapper

if not TYPE_CHECKING:
    __getattr__ = former_names(
        __name__,
        {
            "IntrinsicReward": "isa_wrappers.wrappers.reward:RewardWrapper",
            "SuccessTeller": "isa_wrappers.border.success:SuccessCriterion",
        },
    )

__all__ = [
    "EpisodeStatistics",
    "GoalRecording",
    "GoalSampling",
    "GoalSegmentReward",
    "InfluenceCountBonus",
    "RewardWrapper",
    "ScopeWrapper",
    "SuccessCriterion",
    "SuccessRule",
]
