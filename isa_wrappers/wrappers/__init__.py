"""ISA's pieces as PettingZoo parallel wrappers: they work with any learner."""

from isa_wrappers.success import SuccessRule, SuccessTeller
from isa_wrappers.wrappers.base import IntrinsicReward, ScopeWrapper
from isa_wrappers.wrappers.count_bonus import InfluenceCountBonus
from isa_wrappers.wrappers.goal_sampling import GoalRecording, GoalSampling
from isa_wrappers.wrappers.goal_segment import GoalSegmentReward

__all__ = [
    "GoalRecording",
    "GoalSampling",
    "GoalSegmentReward",
    "InfluenceCountBonus",
    "IntrinsicReward",
    "ScopeWrapper",
    "SuccessRule",
    "SuccessTeller",
]
