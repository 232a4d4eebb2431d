"""The influence scope: what each agent's actions can move (Definitions 1 to 3), and how to estimate it."""

from isa_wrappers.scope.credit import CREDIT_RULES, Credit, CreditConfig, CreditRule, credit_for
from isa_wrappers.scope.definitions import BoolArray
from isa_wrappers.scope.episodes import Episode, episodes_of
from isa_wrappers.scope.estimation import estimate_scope
from isa_wrappers.scope.estimators import ESTIMATORS, Estimator
from isa_wrappers.scope.evidence import Evidence
from isa_wrappers.scope.explain import Explanation, explain_scope, explanation_text
from isa_wrappers.scope.files import load_scope, save_scope, scope_to_dict
from isa_wrappers.scope.following import FollowingScope
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.information import normalized_mutual_information
from isa_wrappers.scope.plots import plot_scope
from isa_wrappers.scope.probes import Marked, Probes
from isa_wrappers.scope.recorded import estimate_scope_from
from isa_wrappers.scope.tables import scope_table
from isa_wrappers.scope.thresholds import THRESHOLD_RULES, fixed
from isa_wrappers.scope.transitions import Transitions

__all__ = [
    "CREDIT_RULES",
    "ESTIMATORS",
    "THRESHOLD_RULES",
    "BoolArray",
    "Credit",
    "CreditConfig",
    "CreditRule",
    "Episode",
    "Estimator",
    "Evidence",
    "Explanation",
    "FollowingScope",
    "InfluenceScope",
    "Marked",
    "Probes",
    "Transitions",
    "credit_for",
    "episodes_of",
    "estimate_scope",
    "estimate_scope_from",
    "explain_scope",
    "explanation_text",
    "fixed",
    "load_scope",
    "normalized_mutual_information",
    "plot_scope",
    "save_scope",
    "scope_table",
    "scope_to_dict",
]
