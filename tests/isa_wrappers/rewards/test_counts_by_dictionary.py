"""Visit counts against a dictionary of tuples."""

import math
from collections import Counter

import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st
from reward_oracles import on

from isa_wrappers.arrays import to_numpy
from isa_wrappers.rewards.counts import VisitCounter

SEGMENTINGS = [[[0], [1, 2], []], [[0, 1, 2]], [[2], [0], [1], [0, 2]], [[0, 1], [0, 1]], [[0, 1, 2], [], [], [1], []]]
SCALES = [1.0, 100.0, 0.5]


def keys(state, segments, scale):
    """phi of Eq. 10, word for word: scale, take the nearest whole number, keep the segment's dimensions."""
    whole = [math.floor(float(x) * scale + 0.5) for x in state]
    return [tuple(whole[k] for k in segment) for segment in segments]


class Oracle:
    def __init__(self, segments, scale):
        self.segments, self.scale = segments, scale
        self.visits = [Counter() for _ in segments]

    def visit(self, states, mask):
        """Count a batch ``[B, 3]`` under ``mask`` ``[B, R]``, then return N of every state."""
        for state, allowed in zip(states, mask, strict=True):
            for row, key in enumerate(keys(state, self.segments, self.scale)):
                self.visits[row][key] += int(allowed[row])
        return self.count(states)

    def count(self, states):
        return [[self.visits[r][key] for r, key in enumerate(keys(s, self.segments, self.scale))] for s in states]


@st.composite
def streams(draw):
    """A few batches of states with three dimensions that take few values, and masks for them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    segments, scale = draw(st.sampled_from(SEGMENTINGS)), draw(st.sampled_from(SCALES))
    batches = []
    for _ in range(draw(st.integers(1, 5))):
        size = draw(st.integers(1, 12))
        whole = rng.integers(-2, 3, (size, 3))
        states = ((whole + np.sign(whole) * rng.uniform(0.1, 0.8, whole.shape)) / scale).astype(np.float32)
        kind = draw(st.sampled_from(["none", "state", "segment"]))
        shape = (size, len(segments)) if kind == "segment" else (size,)
        batches.append((states, None if kind == "none" else rng.random(shape) < 0.7))
    return segments, scale, batches


def full_mask(states, mask, rows):
    if mask is None:
        return np.ones((len(states), rows), dtype=bool)
    return np.broadcast_to(mask if mask.ndim == 2 else mask[:, None], (len(states), rows))


def test_the_oracle_tests_meet_no_collision():
    """What makes "exact" a fair demand below: no two of the keys drawn there share a slot."""
    grid = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float32)
    for segments in SEGMENTINGS:
        slots = VisitCounter(segments).slots(grid)
        for row, segment in enumerate(segments):
            assert len(set(slots[:, row].tolist())) == 5 ** len(segment)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@given(stream=streams())
@settings(deadline=None, max_examples=80)
def test_counts_equal_a_dictionary_of_tuples(device, stream):
    segments, scale, batches = stream
    counter, oracle = VisitCounter(segments, scale, device=device), Oracle(segments, scale)
    for states, mask in batches:
        expected = oracle.visit(states, full_mask(states, mask, len(segments)))
        counted = counter.visit(on(device, states), None if mask is None else on(device, mask))
        assert to_numpy(counted).tolist() == expected
        assert to_numpy(counter.count(on(device, states))).tolist() == expected
    # Looking up leaves no trace.
    assert int(to_numpy(counter.table).sum()) == sum(sum(row.values()) for row in oracle.visits)


@given(stream=streams())
@settings(deadline=None, max_examples=40)
def test_numpy_equals_torch_slot_for_slot(stream):
    pytest.importorskip("torch")
    segments, scale, batches = stream
    ours, theirs = VisitCounter(segments, scale), VisitCounter(segments, scale, device="cpu")
    for states, mask in batches:
        ours.visit(states, mask)
        theirs.visit(on("cpu", states), None if mask is None else on("cpu", mask))
    np.testing.assert_array_equal(ours.table, to_numpy(theirs.table))


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("other_device", DEVICES)
@given(stream=streams(), at=st.integers(0, 5))
@settings(deadline=None, max_examples=30)
def test_merging_equals_counting_both_streams(device, other_device, stream, at):
    segments, scale, batches = stream
    whole = VisitCounter(segments, scale, device=device)
    first, second = VisitCounter(segments, scale, device=device), VisitCounter(segments, scale, device=other_device)
    for number, (states, _) in enumerate(batches):
        whole.visit(on(device, states))
        (first.visit(on(device, states)) if number < at else second.visit(on(other_device, states)))
    before = to_numpy(second.table).copy()
    first.merge(second)
    np.testing.assert_array_equal(to_numpy(first.table), to_numpy(whole.table))
    np.testing.assert_array_equal(to_numpy(second.table), before)
    # The merged counter goes on counting by itself.
    states = batches[0][0]
    np.testing.assert_array_equal(to_numpy(first.visit(on(device, states))), to_numpy(whole.visit(on(device, states))))
    np.testing.assert_array_equal(to_numpy(second.table), before)


@pytest.mark.parametrize("device", DEVICES)
def test_in_a_tiny_table_counts_are_never_too_low(device):
    rng = np.random.default_rng(3)
    segments = [[0, 1, 2], [1]]
    counter, oracle = VisitCounter(segments, table_bits=4, device=device), Oracle(segments, 1.0)
    for _ in range(20):
        states = rng.integers(-4, 5, (16, 3)).astype(np.float32)
        counted = to_numpy(counter.visit(on(device, states)))
        expected = np.array(oracle.visit(states, np.ones((16, 2))))
        assert (counted >= expected).all()
        # A collision adds up: nothing is lost, nothing counted twice, and rows keep apart.
        assert to_numpy(counter.table).sum(axis=1).tolist() == [sum(row.values()) for row in oracle.visits]
    assert (counted[:, 0] > expected[:, 0]).all(), "16 slots for up to 729 keys must collide"
    assert counter.occupancy() == 1.0
