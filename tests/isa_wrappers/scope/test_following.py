"""What is added to a scope, when, and what stays as random play found it."""

import numpy as np
import pytest
from walked_corridor import LEFT, NAMES, PUSH, RIGHT, walk

from isa_wrappers import InfluenceScope
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.scope.evidence import Evidence
from isa_wrappers.scope.following import FollowingScope

GATE = 2
FIGURE = "interval effect"


def of_random_play(figure=FIGURE, left=0.8):
    """Places alone: nobody came to the room."""
    influence = np.zeros((2, 4, 4))
    influence[[0, 1], LEFT, [0, 1]] = left
    influence[[0, 1], RIGHT, [0, 1]] = 0.9
    evidence = Evidence(np.zeros((2, 4, 4)), np.full((2, 4), 100), np.full((2, 4), 0.1))
    return InfluenceScope(("a", "b"), influence, 0.1, (4, 4), state_names=NAMES, figure=figure, evidence=evidence)


def test_dimensions_are_added_and_those_found_stay():
    following = FollowingScope(of_random_play(left=0.05))
    assert following.scope is following.base
    following.add(walk(12_000, share=0.1))
    assert following.scope is following.base, "only a look changes it"
    assert following.look()
    scope = following.scope
    assert scope.common_dims == [GATE]
    assert scope.special_dims == [[0], [1]]
    assert following.added == 2, "the gate, for each of two agents"
    assert scope.evidence is None, "that of random play would say that chance makes as much as the gate"
    assert scope.influence[:, PUSH, GATE].min() > 0.9
    np.testing.assert_array_equal(scope.influence[..., [0, 1]], following.base.influence[..., [0, 1]])
    assert scope.action_dims["a"] == [[], [], [0], [GATE]], (
        "left, missed by random play, is not added to a dimension it has"
    )


def test_what_was_found_stays_found():
    following = FollowingScope(of_random_play())
    following.add(walk(12_000, share=0.1))
    assert following.look()
    found = following.scope.influence
    assert not following.look(), "nothing new was drawn"
    assert following.looks == 1
    following.add(walk(400, share=0.1, seed=5))
    assert not following.look(), "it grew no further"
    assert following.looks == 2
    assert (following.scope.influence >= found).all()


def test_saved_and_restored():
    following, other = FollowingScope(of_random_play(), 3_000), FollowingScope(of_random_play(), 3_000)
    following.add(walk(8_000, share=0.1))
    following.look()
    other.load_state_dict(following.state_dict())
    assert other.look() is following.look() is False
    for one in (following, other):
        one.add(walk(4_000, share=0.1, seed=1))
        one.look()
    np.testing.assert_array_equal(following.scope.influence, other.scope.influence)
    assert (following.looks, following.probes.number) == (other.looks, other.probes.number)


def test_bad_values_are_refused():
    with pytest.raises(InvalidValueError, match=r"got .normalised mutual information.; set scope"):
        FollowingScope(of_random_play("normalised mutual information"))
    following = FollowingScope(of_random_play())
    with pytest.raises(InvalidValueError, match=r"must have shape \[2, 4, 4\]"):
        following.load_state_dict({**following.state_dict(), "found": np.zeros((2, 4, 5))})
    with pytest.raises(InvalidValueError, match=r"must have shape \[2, 4, 4\]"):
        following.load_state_dict({**following.state_dict(), "found": np.full((2, 4, 4), np.nan)})
