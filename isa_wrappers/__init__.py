"""Influence scope of agents (ISA, arXiv 2505.08630) for any PettingZoo environment and any learner.

Importing this package needs neither torch nor a learner.
"""

from isa_wrappers.batch.protocol import BatchEnv, BatchStep, BatchWrapper
from isa_wrappers.config import CountConfig, GoalConfig, ScopeConfig
from isa_wrappers.moved import keep_former_paths
from isa_wrappers.rewards.count_bonus import CountBonus
from isa_wrappers.rewards.counts import VisitCounter
from isa_wrappers.rewards.goal_reward import GoalReward
from isa_wrappers.rewards.goals import GoalBuffer, GoalProjection
from isa_wrappers.scope.estimation import estimate_scope
from isa_wrappers.scope.files import load_scope, plot_scope, save_scope, scope_table, scope_to_dict
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.information import normalized_mutual_information

keep_former_paths()

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
