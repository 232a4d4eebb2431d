"""The influence scope: what each agent's actions can move (Definitions 1 to 3), and its estimate."""

from isa_wrappers.scope.estimation import estimate_scope
from isa_wrappers.scope.files import load_scope, plot_scope, save_scope, scope_table, scope_to_dict
from isa_wrappers.scope.influence import BoolArray, InfluenceScope
from isa_wrappers.scope.information import normalized_mutual_information

__all__ = [
    "BoolArray",
    "InfluenceScope",
    "estimate_scope",
    "load_scope",
    "normalized_mutual_information",
    "plot_scope",
    "save_scope",
    "scope_table",
    "scope_to_dict",
]
