"""Recorded arrays that are empty, of other lengths or types, or hold NaN: refused in one line."""

from types import SimpleNamespace

import numpy as np
import pytest

from isa_wrappers import Episode, episodes_of, estimate_scope_from
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.scope.episodes import episode_from

T = 4
STATES, ACTIONS, ENDS = np.zeros((T + 1, 2)), np.array([[0], [1], [1], [0]]), np.zeros(T, dtype=bool)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        (([], [], []), r"recorded steps need states .* and actions \[N, A\], got \[0\] and \[0\]"),
        ((STATES[:0], ACTIONS[:0], ENDS[:0]), r"got \[0, 2\] and \[0, 1\]"),
        ((0.0, 0, True), r"got \[\] and \[\]"),
        ((STATES, 0, ENDS), r"got \[5, 2\] and \[\]"),
        ((0.0, ACTIONS, ENDS), r"got \[\] and \[4, 1\]"),
        ((STATES[:, 0], ACTIONS, ENDS), r"got \[5\] and \[4, 1\]"),
        ((STATES, ACTIONS, ["False"] * T), "ends must be an array of numbers, got"),
        ((STATES, ACTIONS, [[0], [0, 1]]), "ends must be an array of numbers, got"),
        ((STATES, ACTIONS, ENDS * np.nan), "ends must be true or false, got NaN"),
        ((STATES, ACTIONS, True), r"ends must be \[N\]"),
        ((STATES, ACTIONS, ENDS, True), "available of 4 recorded steps must have 4 rows, got 1"),
        ((STATES, ACTIONS, ENDS, np.full((T, 1, 2), np.nan)), "available must be true or false, got NaN"),
    ],
)
def test_arrays_that_cannot_be_cut(arrays, says):
    with pytest.raises(InvalidValueError, match=says):
        episodes_of(*arrays)


def minari(**others):
    told = {"observations": STATES, "actions": ACTIONS, "terminations": ENDS, "truncations": ENDS, "infos": None}
    return SimpleNamespace(**{**told, **others})


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ({"truncations": ENDS[:2]}, r"terminations and truncations of one shape and .*, got \[4\], \[2\] and dict"),
        ({"terminations": None}, "terminations must be an array of numbers, got None"),
        ({"terminations": ["no"] * T}, "terminations must be an array of numbers, got"),
        ({"truncations": ENDS * np.nan}, "truncations must be true or false, got NaN"),
        ({"infos": [{}] * T}, r"mapping of infos, got \[4\], \[4\] and list"),
        ({"infos": {"action_mask": True}}, r"available must be \[T, A, n\]"),
        ({"infos": {"action_mask": [[1], [1, 1]]}}, "action_mask must be an array of numbers, got"),
    ],
)
def test_episodes_in_minaris_form_that_cannot_be_read(others, says):
    assert len(episode_from(minari()).actions) == T
    with pytest.raises(InvalidValueError, match=says):
        episode_from(minari(**others))


def test_masks_of_nan():
    with pytest.raises(InvalidValueError, match="available must be true or false, got NaN"):
        Episode(STATES, ACTIONS, np.full((T, 1, 2), np.nan))


def test_names_that_are_none():
    draws = np.random.default_rng(0).integers(0, 2, (200, 1))
    with pytest.raises(InvalidValueError, match="state_names must be a list of names, got 3"):
        estimate_scope_from([Episode(np.cumsum([[0], *draws], axis=0), draws)], state_names=3)
