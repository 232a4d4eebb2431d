"""Intrinsic rewards (Eq. 7, Eq. 10), visit counts and goals, over NumPy or torch arrays with free leading axes."""

from isa_wrappers.rewards.counts import VisitCounter, count_bonus
from isa_wrappers.rewards.goals import GoalBuffer, GoalProjection
from isa_wrappers.rewards.intrinsic import CountBonus, GoalReward
from isa_wrappers.rewards.segments import (
    SegmentReward,
    combine_segments,
    credit_gate,
    scope_segments,
    segment_distance,
    segment_progress,
)

__all__ = [
    "CountBonus",
    "GoalBuffer",
    "GoalProjection",
    "GoalReward",
    "SegmentReward",
    "VisitCounter",
    "combine_segments",
    "count_bonus",
    "credit_gate",
    "scope_segments",
    "segment_distance",
    "segment_progress",
]
