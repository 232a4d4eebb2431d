"""Influence scope of agents (ISA, arXiv 2505.08630) for any PettingZoo environment and any learner.

Importing this package needs neither torch nor a learner.
"""

from isa_wrappers.batch import BatchEnv, BatchStep, BatchWrapper
from isa_wrappers.config import CountConfig, GoalConfig, ScopeConfig
from isa_wrappers.counts import VisitCounter
from isa_wrappers.estimation import estimate_scope
from isa_wrappers.goals import GoalBuffer, GoalProjection
from isa_wrappers.information import normalized_mutual_information
from isa_wrappers.intrinsic import CountBonus, GoalReward
from isa_wrappers.scope import InfluenceScope
from isa_wrappers.scope_io import load_scope, plot_scope, save_scope, scope_table, scope_to_dict

__all__ = [
    "BatchEnv",
    "BatchStep",
    "BatchWrapper",
    "CountBonus",
    "CountConfig",
    "GoalBuffer",
    "GoalConfig",
    "GoalProjection",
    "GoalReward",
    "InfluenceScope",
    "ScopeConfig",
    "VisitCounter",
    "estimate_scope",
    "load_scope",
    "normalized_mutual_information",
    "plot_scope",
    "save_scope",
    "scope_table",
    "scope_to_dict",
]
