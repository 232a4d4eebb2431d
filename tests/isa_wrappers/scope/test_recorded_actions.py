"""Recorded play of agents that have different numbers of actions."""

import numpy as np
import pytest

from isa_wrappers import Episode, estimate_scope_from
from isa_wrappers.errors import InvalidValueError


def played(rng, masked=True):
    """Two agents on a line each; the first has two actions, the second three."""
    actions = np.stack([rng.integers(2, size=30), rng.integers(3, size=30)], axis=-1)
    moves = np.cumsum(np.array([[1, 1]]) * (actions == 1), axis=0)
    states = np.concatenate([np.zeros((1, 2)), moves]).astype(np.float32)
    open_to = np.array([[True, True, False], [True, True, True]])
    return Episode(states, actions, available=np.broadcast_to(open_to, (30, 2, 3)) if masked else None)


def episodes(masked=True):
    rng = np.random.default_rng(0)
    return [played(rng, masked) for _ in range(40)]


def test_each_agent_has_as_many_as_is_said():
    scope = estimate_scope_from(episodes(), num_actions=(2, 3))
    assert scope.num_actions == (2, 3)
    assert scope.action_dims == {"agent_0": [[], [0]], "agent_1": [[], [1], []]}
    assert estimate_scope_from(episodes()).num_actions == (3, 3)


@pytest.mark.parametrize(
    ("counts", "masked", "says"),
    [
        ((2,), True, "must have one number for each of 2 agents"),
        ((2, 2), True, "the largest 3 as in masks and actions, got \\[2, 2\\]"),
        ((2, 4), True, "num_actions must be an integer from 1 to 3, got 4"),
        ((2, 3), False, "pass masks \\(available\\) that exclude actions an agent does not have"),
    ],
)
def test_what_cannot_be(counts, masked, says):
    with pytest.raises(InvalidValueError, match=says):
        estimate_scope_from(episodes(masked), num_actions=counts)
