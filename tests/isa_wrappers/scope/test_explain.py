"""A scope in words."""

import json

import numpy as np
import pytest
import scope_tasks
import scope_truth

from isa_wrappers import InfluenceScope, ScopeConfig, estimate_scope
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.scope.evidence import Evidence
from isa_wrappers.scope.explain import explain_scope, explanation_text, explanation_to_dict

NOISE = "among noise, effects in at least"
FIGURES = [[[0.0, 0.04], [0.9, 0.0], [0.3, 0.0]], [[0.0, 0.0], [0.0, 0.5], [0.0, 0.0]]]


def scope(evidence=True, delta=0.1, **settings):
    log_p = np.where(np.array(FIGURES) > 0, -20.0, 0.0)
    known = Evidence(log_p, [[500, 500, 20], [500, 500, 0]], [[0.15, 0.12, 0.6], [0.1, 0.1, 1.0]])
    return InfluenceScope(
        ("a", "b"), np.array(FIGURES), delta, (3, 2), ("x", "y"), ("stay", "push", "pull"), settings,
        evidence=known if evidence else None,
    )  # fmt: skip


def test_what_moves_what_and_what_was_nearly_in():
    said = explain_scope(scope(transitions=1_000, env_steps=1_000))
    assert [(one.agent, one.dimension, one.action, one.figure) for one in said.moved] == [
        ("a", "x", "push", 0.9),
        ("b", "y", "push", 0.5),
    ]
    assert [(one.agent, one.dimension, one.figure) for one in said.nearly] == [("a", "y", 0.04)], "small, but sure"
    assert [(one.agent, one.action, one.taken, one.least) for one in said.seldom] == [("a", "pull", 20, 0.6)]
    assert (said.least, said.wanted, said.env_steps) == (0.15, 2_250, 1_000), "0.15 / 0.1, squared, times 1,000"
    assert explanation_text(said).splitlines() == [
        "moved most:",
        "  a: x by push 0.90",
        "  b: y by push 0.50",
        "the least certain of these has p 1e-8",
        "nearly in: a's y by stay 0.04",
        "seldom taken, so little is known: a's pull (20 times, detectable from 0.60)",
        f"1,000 environment steps; {NOISE} 0.15 of the steps are detectable, all effects above delta with 2,250 "
        "transitions",
    ]
    json.dumps(explanation_to_dict(said))


def test_without_evidence_only_what_is_above_half_of_delta_is_nearly_in():
    said = explain_scope(scope(evidence=False, delta=0.1))
    assert (said.nearly, said.seldom, said.least, said.wanted, said.env_steps) == ((), (), None, None, None)
    said = explain_scope(scope(evidence=False, delta=0.6))
    assert [(one.agent, one.dimension, one.figure) for one in said.nearly] == [("b", "y", 0.5)]
    assert explanation_text(said) == "moved most:\n  a: x by push 0.90\nnearly in: b's y by push 0.50"


def test_enough_transitions_are_not_asked_for_again():
    text = explanation_text(explain_scope(scope(delta=0.3, transitions=1_000, env_steps=1_000)))
    assert text.endswith(f"{NOISE} 0.60 of the steps are detectable, all effects above delta with 4,000 transitions")
    text = explanation_text(explain_scope(scope(delta=0.65, transitions=1_000, env_steps=1_000)))
    assert text.endswith(f"{NOISE} 0.60 of the steps are detectable")
    in_turn = explanation_text(explain_scope(scope(transitions=1_000, env_steps=5_000)))
    assert in_turn.endswith("all effects above delta with 2,250 transitions"), (
        "transitions of each agent, not steps of all"
    )


def test_long_lists_are_cut():
    figures = np.full((20, 1, 1), 0.2)
    said = explain_scope(InfluenceScope(tuple(f"a{i}" for i in range(20)), figures, 0.3, (1,) * 20))
    assert len(said.nearly) == 20
    assert explanation_text(said).endswith("a9's dimension 0 by 0 0.20 and 10 more")


@pytest.mark.slow
def test_until_nothing_changes():
    """Clear effects are found in half of N; the most that is taken is N."""
    team = scope_tasks.Team()
    found = estimate_scope(team, ScopeConfig(until_certain=True))
    assert scope_truth.misses(found, team.truth) == (0, 0, 0, 0, 0, 0)
    assert (found.settings["transitions"], found.settings["env_steps"]) == (5_000, 5_016), "8 copies, 627 steps each"
    rare = scope_tasks.Many()
    found = estimate_scope(rare, ScopeConfig(6_000, until_certain=True))
    assert found.settings["transitions"] == 6_000, "1,250, 2,500, 5,000 still differ"
    few = estimate_scope(team, ScopeConfig(900, until_certain=True))
    assert few.settings["transitions"] == 900


def test_one_at_a_time_cannot_go_on_until_certain():
    message = "until_certain needs an estimator in which all agents act at once, .* got 'nmi_block'"
    with pytest.raises(InvalidValueError, match=message):
        estimate_scope(scope_tasks.Team(), ScopeConfig(estimator="nmi_block", until_certain=True))


def test_what_a_large_team_moves_is_told_of_a_few():
    dimensions = {f"a{i}": [[], [i]] for i in range(30)}
    lines = explanation_text(explain_scope(InfluenceScope.from_dimensions(dimensions, 30))).splitlines()
    assert lines[:2] == ["moved most:", "  a0: dimension 0 by 1 1.00"]
    assert lines[11] == "  and 20 more agents"
    assert len(lines) == 12
