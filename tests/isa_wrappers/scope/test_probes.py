"""Marked transitions are held up to a number, saved and restored."""

from dataclasses import fields, replace

import numpy as np
import pytest
from walked_corridor import walk

from isa_wrappers.errors import InvalidValueError
from isa_wrappers.scope.probes import Marked, Probes


def part(steps, rows):
    return Marked(*(getattr(steps, f.name)[rows] for f in fields(Marked)))


def assert_same(one, other):
    for f in fields(Marked):
        np.testing.assert_array_equal(getattr(one, f.name), getattr(other, f.name), err_msg=f.name)


def test_the_last_marked_steps_are_held_whatever_the_portions():
    steps = walk(2_000, share=0.1)
    with_marks = np.flatnonzero(steps.marked.any(axis=1))
    for portion in (1, 7, 40, 2_000):
        probes = Probes(capacity=150)
        for start in range(0, 2_000, portion):
            probes.add(part(steps, slice(start, start + portion)))
        assert_same(probes.held, part(steps, with_marks[-150:]))
        assert probes.number == steps.marked.sum()
    assert len(with_marks) > 300


def test_a_mark_of_one_who_did_not_act_is_none():
    steps = walk(400, share=0.3)
    gone = replace(steps, acted=np.stack([np.zeros(400, dtype=bool), np.ones(400, dtype=bool)], axis=1))
    probes = Probes()
    probes.add(gone)
    assert probes.number == steps.marked[:, 1].sum()
    window = probes.window()
    assert not window.counts[:, 0].any()
    assert (window.actions[:, 0] == -1).all()
    assert window.counts[:, 1].all()


def test_saved_and_restored():
    probes, other = Probes(100), Probes(100)
    assert probes.window() is None
    other.load_state_dict(probes.state_dict())
    assert (other.number, other.held) == (0, None)
    probes.add(walk(400, share=0.3))
    other.load_state_dict(probes.state_dict())
    assert_same(probes.held, other.held)
    more = walk(400, share=0.1, seed=1)
    probes.add(more)
    other.add(more)
    assert_same(probes.held, other.held)
    assert probes.number == other.number


def test_bad_values_are_refused():
    with pytest.raises(InvalidValueError, match="capacity must be"):
        Probes(0)
    probes = Probes(100)
    probes.add(walk(400, share=0.3))
    with pytest.raises(InvalidValueError, match="columns of equal length, at most 50, got \\[100\\]"):
        Probes(50).load_state_dict(probes.state_dict())
    state = probes.state_dict()
    state["marked"] = state["marked"][1:]
    with pytest.raises(InvalidValueError, match="columns of equal length"):
        Probes(100).load_state_dict(state)
