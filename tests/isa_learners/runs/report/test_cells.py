"""Visited states in cells: what a page decodes is what was visited."""

import base64
import json

import numpy as np
import pytest

from isa_learners.runs.report.cells import INTERVALS, MOST_VALUES, visit_contents
from isa_learners.runs.visits import Visited


def codes(dim):
    return np.frombuffer(base64.b64decode(dim["cells"]), dtype=np.uint8)


def test_few_values_are_a_cell_each():
    states = np.random.default_rng(0).integers(0, MOST_VALUES, (500, 2)).astype(np.float32)
    told = visit_contents([Visited("play", states, 500)], ["x", "y"], [])
    for k in range(2):
        assert [told["dims"][k]["values"][code] for code in codes(told["dims"][k])] == states[:, k].tolist()


def test_many_values_are_in_equal_intervals():
    """Each state lies within the edges of its cell; the ends belong to the first and the last."""
    states = np.random.default_rng(0).normal(size=(500, 1)).astype(np.float32)
    (dim,) = visit_contents([Visited("play", states, 500)], ["x"], [])["dims"]
    edges, found = np.array(dim["edges"]), codes(dim)
    assert len(edges) == INTERVALS + 1
    assert np.ptp(np.diff(edges)) < 1e-4
    assert (edges[found] - 1e-5 <= states[:, 0]).all()
    assert (states[:, 0] <= edges[found + 1] + 1e-5).all()
    assert found[states[:, 0].argmin()] == 0
    assert found[states[:, 0].argmax()] == INTERVALS - 1


def test_phases_keep_their_own_counts_and_moved_dimensions_come_first():
    one, other = np.zeros((3, 3), dtype=np.float32), np.ones((2, 3), dtype=np.float32)
    told = visit_contents([Visited("explore", one, 30), Visited("reach", other, 2)], ["x", "y", "z"], [2])
    assert told["phases"] == [{"name": "explore", "seen": 30, "shown": 3}, {"name": "reach", "seen": 2, "shown": 2}]
    assert codes(told["dims"][0]).tolist() == [0, 0, 0, 1, 1]
    assert told["first"] == [2, 0]


@pytest.mark.parametrize("most_bytes", [4_000, 40_000])
def test_a_page_takes_no_more_than_it_may(most_bytes):
    """Fewer states are drawn uniformly; they stand for as many visits as before."""
    states = np.random.default_rng(0).normal(size=(4096, 20)).astype(np.float32)
    told = visit_contents([Visited("play", states, 10**6)], [str(k) for k in range(20)], [], most_bytes)
    (phase,) = told["phases"]
    assert phase["seen"] == 10**6
    assert sum(len(dim["cells"]) for dim in told["dims"]) <= most_bytes + 4 * 20
    assert phase["shown"] == len(codes(told["dims"][0])) > most_bytes / 40
    assert visit_contents([], [], []) is None


def test_states_beyond_numbers_are_told_too():
    """A page's data are JSON, which knows no infinity."""
    states = np.linspace(0, 1, 100, dtype=np.float32)[:, None]
    states[3] = np.inf
    told = visit_contents([Visited("play", states, 100)], ["x"], [])
    assert json.dumps(told, allow_nan=False)
    assert codes(told["dims"][0])[3] == INTERVALS - 1
    assert visit_contents([Visited("play", np.zeros((4, 0), dtype=np.float32), 4)], [], []) is None
