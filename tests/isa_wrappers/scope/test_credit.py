"""Credit rules against sets, and what does not fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reward_oracles import MIXED, RULES, segments_by

from isa_wrappers import InfluenceScope
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError, UnknownNameError
from isa_wrappers.scope.credit import CREDIT_RULES, Credit, CreditConfig, CreditRule, as_credit, credit_for


@st.composite
def scopes(draw):
    """Any scope of up to 4 agents with up to 5 actions each, of up to 6 dimensions."""
    size = draw(st.integers(1, 6))
    moves = st.lists(st.lists(st.integers(0, size - 1), unique=True), min_size=1, max_size=5)
    agents = draw(st.lists(moves, min_size=1, max_size=4))
    return InfluenceScope.from_dimensions({f"agent_{i}": actions for i, actions in enumerate(agents)}, size)


@pytest.mark.parametrize("rule", RULES)
@given(scope=scopes())
@settings(deadline=None, max_examples=60)
def test_rules_equal_sets(rule, scope):
    credit, expected = credit_for(scope, rule), segments_by(rule, scope)
    assert credit.common_dims == sorted(expected.common)
    assert credit.special_dims == [sorted(dims) for dims in expected.special]
    assert credit.agent_dims == [sorted(expected.common | dims) for dims in expected.special]
    assert credit.special_weight == expected.weight
    for i, credited in enumerate(expected.credited):
        assert credit.gate[i, : len(credited)].tolist() == credited
    assert (credit.agents, credit.num_actions) == (scope.agents, scope.num_actions)
    assert credit.segments.shape == (1 + scope.num_agents, scope.state_size)
    np.testing.assert_array_equal(credit.segments[0], credit.common)
    np.testing.assert_array_equal(credit.segments[1:], credit.special)


@pytest.mark.parametrize("name", list(CREDIT_RULES))
def test_every_rule_makes_credit_that_fits_its_scope(name):
    rule = CREDIT_RULES[name]
    credit = rule.make(MIXED)
    assert isinstance(credit, Credit)
    assert rule.description
    credit.check_fits(MIXED.agents, MIXED.num_actions, MIXED.state_size)
    assert CreditConfig(name).rule == name
    if not rule.needs_scope:
        blank = InfluenceScope.of_everything(MIXED.agents, MIXED.num_actions, MIXED.state_size)
        np.testing.assert_array_equal(rule.make(blank).segments, credit.segments)
        np.testing.assert_array_equal(rule.make(blank).gate, credit.gate)


def test_a_scope_stands_for_the_papers_credit():
    assert as_credit(MIXED).segments.tolist() == credit_for(MIXED).segments.tolist()
    credit = credit_for(MIXED, "ungated")
    assert as_credit(credit) is credit


def test_a_rule_from_outside_is_used_by_name():
    def nobody(scope):
        credit = credit_for(scope)
        return Credit(credit.common, credit.special, ~credit.gate, credit.agents, credit.num_actions)

    CREDIT_RULES.register("against", CreditRule(nobody, "whoever cannot move the common segment is credited for it"))
    try:
        np.testing.assert_array_equal(credit_for(MIXED, "against").gate, ~MIXED.touches_common)
        assert CreditConfig("against").rule == "against"
    finally:
        CREDIT_RULES.unregister("against")


def test_names_of_dimensions_are_kept():
    scope = InfluenceScope(
        agents=("a",), influence=np.ones((1, 2, 2)), delta=0.0, num_actions=(2,), state_names=("x", "y")
    )
    assert credit_for(scope, "whole_state").state_names == ("x", "y")


def test_arrays_cannot_be_changed():
    credit, common = credit_for(MIXED), np.array([True, False])
    with pytest.raises(ValueError, match="read-only"):
        credit.gate[0, 0] = True
    made = Credit(common, common[None], common[None], ("a",), (2,))
    common[:] = False
    assert made.common_dims == [0]


def test_bad_input_is_named():
    with pytest.raises(UnknownNameError, match="unknown credit rule 'ungted'; did you mean 'ungated'"):
        credit_for(MIXED, "ungted")
    with pytest.raises(UnknownNameError, match="known: scope, ungated, unsegmented, common_only"):
        CreditConfig("none of these")
    with pytest.raises(InvalidValueError, match="rule must be a name, got None"):
        CreditConfig(None)
    nothing = np.zeros((2, 3), dtype=bool)
    with pytest.raises(
        InvalidValueError, match=r"special \[2, 3\] and gate \[2, 4\], got \[3\], \[2, 3\] and \[2, 3\]"
    ):
        Credit(nothing[0], nothing, nothing, ("a", "b"), (4, 2))
    with pytest.raises(InvalidValueError, match="special_weight must be a number at least 0, got -1"):
        Credit(nothing[0], nothing, nothing, ("a", "b"), (3, 2), special_weight=-1)
    with pytest.raises(ScopeMismatchError, match="its agents"):
        credit_for(MIXED).check_fits(["a", "b"], MIXED.num_actions, 5)
    with pytest.raises(ScopeMismatchError, match="its state size 5, here 6"):
        credit_for(MIXED).check_fits(MIXED.agents, MIXED.num_actions, 6)
