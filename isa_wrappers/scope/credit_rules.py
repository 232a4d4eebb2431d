"""The credit rules: the paper's rule and its ablations. Each derives credit from a scope."""

from __future__ import annotations

import numpy as np

from isa_wrappers.scope.credit import Credit, CreditRule
from isa_wrappers.scope.definitions import BoolArray
from isa_wrappers.scope.influence import InfluenceScope


def _credit(
    scope: InfluenceScope, common: BoolArray, special: BoolArray, gate: BoolArray, special_weight: float | None = None
) -> Credit:
    return Credit(common, special, gate, scope.agents, scope.num_actions, special_weight, scope.state_names)


def by_scope(scope: InfluenceScope) -> Credit:
    """Return credit as in Eq. 7 and Eq. 10: D_c, D_(i-c), and the condition [D(a_i) meets D_c]."""
    return _credit(scope, scope.common_mask, scope.special_mask, scope.touches_common)


def ungated(scope: InfluenceScope) -> Credit:
    """Credit every agent for the common segment, whatever its action: Fig. 4's ablation of the condition."""
    return _credit(scope, scope.common_mask, scope.special_mask, np.ones_like(scope.touches_common))


def unsegmented(scope: InfluenceScope) -> Credit:
    """Do not split individual goals: Fig. 4's ablation of the segments.

    There is no common segment, so the gate is closed. D_i is the special segment, with weight 1, since alpha1 and beta1
    may be 0.
    """
    no_dims = np.zeros_like(scope.common_mask)
    return _credit(scope, no_dims, scope.agent_mask, np.zeros_like(scope.touches_common), special_weight=1.0)


def whole_state(scope: InfluenceScope) -> Credit:
    """Use no scope: every dimension is common and every action counts (counts on whole states in Fig. 4a)."""
    all_dims, no_dims = np.ones_like(scope.common_mask), np.zeros_like(scope.special_mask)
    return _credit(scope, all_dims, no_dims, np.ones_like(scope.touches_common))


def common_only(scope: InfluenceScope) -> Credit:
    """Leave out the special segments: agents are credited only for D_c."""
    return _credit(scope, scope.common_mask, np.zeros_like(scope.special_mask), scope.touches_common)


def special_only(scope: InfluenceScope) -> Credit:
    """Leave out the common segment: agents are credited only for D_(i-c), with weight 1 (alpha1 may be 0)."""
    no_dims = np.zeros_like(scope.common_mask)
    return _credit(scope, no_dims, scope.special_mask, np.zeros_like(scope.touches_common), special_weight=1.0)


def misplaced(scope: InfluenceScope) -> Credit:
    """Use the same number of wrong dimensions: those of the scope, shifted by half of the state size.

    Any gain that remains with this rule does not come from *which* dimensions were found.
    """
    shift = (scope.state_size + 1) // 2
    common, special = (np.roll(mask, shift, axis=-1) for mask in (scope.common_mask, scope.special_mask))
    return _credit(scope, common, special, scope.touches_common)


SCOPE = CreditRule(by_scope, "the paper's: common and special segments, gated by what an action can move")
UNGATED = CreditRule(ungated, "common and special segments, every action credited for the common one")
UNSEGMENTED = CreditRule(unsegmented, "each agent's dimensions as one segment, with weight 1")
COMMON_ONLY = CreditRule(common_only, "only the common segment, gated")
SPECIAL_ONLY = CreditRule(special_only, "only the special segments, with weight 1")
MISPLACED = CreditRule(misplaced, "the same number of wrong dimensions: the scope shifted by half of the state")
WHOLE_STATE = CreditRule(whole_state, "the whole state as a single segment, shared by all", needs_scope=False)
