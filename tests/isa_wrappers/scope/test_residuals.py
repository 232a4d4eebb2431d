"""One fit for the whole team, against a fit per agent."""

import numpy as np
import pytest

from isa_wrappers.scope import residuals
from isa_wrappers.scope.residuals import TeamFit


def fit_alone(states, changes, actions, i):
    """What least squares on the state and the other agents' actions leave; one column per action, all of them."""
    columns = [np.ones((len(states), 1)), states]
    for j in range(actions.shape[1]):
        if j != i:
            columns.append(actions[:, j, None] == np.unique(actions[:, j]))
    design = np.concatenate(columns, axis=1).astype(float)
    return changes - design @ np.linalg.lstsq(design, changes, rcond=None)[0]


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    states = rng.standard_normal((600, 4)) * np.array([1.0, 1e3, 1e-3, 1.0]) + np.array([0.0, 50.0, 0.0, 0.0])
    actions = rng.integers(4, size=(600, 3))
    actions[rng.random(600) < 0.1, 2] = -1
    changes = (
        np.stack([actions[:, 0] == 1, (actions == 2).sum(axis=1), rng.standard_normal(600)], axis=1)
        + 0.1 * states[:, :1]
    )
    return states.astype(np.float32), changes.astype(float), actions


def test_one_fit_leaves_what_a_fit_per_agent_leaves(problem, monkeypatch):
    monkeypatch.setattr(residuals, "BLOCK", 256)
    fit = TeamFit(*problem)
    for i in range(3):
        np.testing.assert_allclose(fit.without(i)(slice(None)), fit_alone(*problem, i), atol=2e-4)


def test_what_is_left_does_not_tell_an_action_that_moves_nothing(problem):
    """To the last bits: a fit that knew agent i's actions would leave a trace of them, and part what is equal."""
    states, _, actions = problem
    changes = (actions[:, 1:2] == 1).astype(float)
    left = TeamFit(states, changes, actions).without(0)(slice(None))[:, 0]
    for i in range(4):
        np.testing.assert_allclose(left[actions[:, 0] == i], 0.0, atol=1e-5)
    again = actions.copy()
    again[:, 0] = np.random.default_rng(5).integers(4, size=600)
    other = TeamFit(states, changes, again).without(0)(slice(None))[:, 0]
    np.testing.assert_allclose(left, other, atol=1e-9)


def test_too_few_transitions_for_actions_then_for_the_state(problem):
    states, changes, actions = problem
    few = TeamFit(states[:30], changes[:30], actions[:30])
    assert few.usable
    np.testing.assert_array_equal(few.without(0)(slice(None)), few.without(2)(slice(None)))
    assert not TeamFit(states[:14], changes[:14], actions[:14]).usable


def test_dimensions_that_tell_the_same_do_no_harm(problem):
    states, changes, actions = problem
    twice = np.concatenate([states, states, np.full((600, 1), 7.0, dtype=np.float32)], axis=1)
    left = [TeamFit(s, changes, actions).without(1)(slice(0, 2)) for s in (states, twice)]
    np.testing.assert_allclose(left[0], left[1], atol=2e-4)
