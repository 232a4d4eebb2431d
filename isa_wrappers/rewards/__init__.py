"""Intrinsic rewards (Eq. 7, Eq. 10), visit counts and goals, on NumPy or torch arrays with any leading axes."""

from isa_wrappers.rewards.base import IntrinsicReward, RewardParts
from isa_wrappers.rewards.count_bonus import CountBonus
from isa_wrappers.rewards.counts import VisitCounter
from isa_wrappers.rewards.goal_reward import GoalReward
from isa_wrappers.rewards.goals import GoalBuffer, GoalSelector
from isa_wrappers.rewards.projection import GoalProjection
from isa_wrappers.rewards.registry import REWARDS, RewardContext, RewardSpec, make_reward
from isa_wrappers.rewards.segments import (
    SegmentReward,
    combine_segments,
    count_bonus,
    credit_gate,
    joint_gate,
    scope_segments,
    segment_distance,
    segment_progress,
)
from isa_wrappers.rewards.selectors import GOAL_SELECTORS
from isa_wrappers.rewards.stitched import StitchedGoals
from isa_wrappers.rewards.transition import Transition

__all__ = [
    "GOAL_SELECTORS",
    "REWARDS",
    "CountBonus",
    "GoalBuffer",
    "GoalProjection",
    "GoalReward",
    "GoalSelector",
    "IntrinsicReward",
    "RewardContext",
    "RewardParts",
    "RewardSpec",
    "SegmentReward",
    "StitchedGoals",
    "Transition",
    "VisitCounter",
    "combine_segments",
    "count_bonus",
    "credit_gate",
    "joint_gate",
    "make_reward",
    "scope_segments",
    "segment_distance",
    "segment_progress",
]
