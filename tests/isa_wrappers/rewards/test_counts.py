"""Visit counts against a dictionary of tuples."""

import math
from collections import Counter

import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_wrappers.arrays import to_backend, to_numpy
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.rewards.counts import VisitCounter, count_bonus

SEGMENTINGS = [[[0], [1, 2], []], [[0, 1, 2]], [[2], [0], [1], [0, 2]], [[0, 1], [0, 1]], [[0, 1, 2], [], [], [1], []]]
SCALES = [1.0, 100.0, 0.5]


def on(device, array):
    if device is not None:
        pytest.importorskip("torch")
    return to_backend(array, device)


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
def test_leading_axes_are_free(device):
    states = np.random.default_rng(0).integers(0, 3, (4, 5, 3)).astype(np.float32)
    mask = np.random.default_rng(1).random((4, 5, 3)) < 0.5
    deep, flat = VisitCounter([[0], [1, 2], []], device=device), VisitCounter([[0], [1, 2], []], device=device)
    counted = to_numpy(deep.visit(on(device, states), on(device, mask)))
    assert counted.shape == (4, 5, 3)
    expected = to_numpy(flat.visit(on(device, states.reshape(20, 3)), on(device, mask.reshape(20, 3))))
    np.testing.assert_array_equal(counted.reshape(20, 3), expected)
    # A single state, without a leading axis.
    assert to_numpy(deep.visit(on(device, states[0, 0]))).tolist() == [
        n + 1 for n in to_numpy(flat.count(on(device, states[0, 0]))).tolist()
    ]


def test_numbers_go_to_the_nearest_cell_after_scaling():
    counter = VisitCounter([[0]], count_scale=100.0)
    column = np.array([[0.0], [0.004], [-0.004], [0.006], [0.014], [-0.006]], dtype=np.float32)
    assert counter.visit(column)[:, 0].tolist() == [3, 3, 3, 2, 2, 1]


def cells(device, states, scale):
    """Slots of one segment of one dimension, for states ``[N]``."""
    return to_numpy(VisitCounter([[0]], scale, device=device).slots(on(device, states[:, None])))[:, 0]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hundredths_are_places_of_their_own(device, dtype):
    """Truncated, 0.53 fell together with 0.52, and so did 62 of these."""
    hundredths = (np.arange(1001) / 100).astype(dtype)
    assert len(set(cells(device, hundredths, 100.0))) == 1001
    assert len(set(cells(device, (np.arange(-5, 6) / 10).astype(dtype), 10.0))) == 11


@pytest.mark.parametrize("device", DEVICES)
def test_no_cell_is_wider_than_the_others(device):
    """Truncated, everything between -1 and 1 was one cell of twice the width."""
    places = np.arange(-300, 300) / 100 + 0.005
    sizes = Counter(cells(device, places, 1.0).tolist()).values()
    assert sorted(sizes) == [50, 50, 100, 100, 100, 100, 100]


@given(st.integers(-(10**6), 10**6), st.integers(1, 400), st.sampled_from([np.float32, np.float64]))
def test_a_place_reached_along_other_sums_is_the_same(start, steps, dtype):
    """Hundredths added one at a time, forth and back again, and the place itself; float32 drifts more in far places."""
    if dtype is np.float32:
        start %= 1_000
    hundredth, place = dtype(0.01), dtype(start / 100)
    for _ in range(steps):
        place = dtype(place + hundredth)
    back = place
    for _ in range(steps):
        back = dtype(back - hundredth)
    found = cells(None, np.array([place, (start + steps) / 100, back, start / 100], dtype=dtype), 100.0)
    assert found[0] == found[1] != found[2] == found[3]


@pytest.mark.parametrize("device", [device for device in DEVICES if device is not None])
@settings(deadline=None)
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=20), st.sampled_from([1e-3, 1.0, 100.0, 1e12]))
def test_keys_are_the_same_everywhere_however_far(device, places, scale):
    np.testing.assert_array_equal(cells(device, np.array(places), scale), cells(None, np.array(places), scale))


@pytest.mark.filterwarnings("error")
def test_far_places_are_one_on_each_side():
    found = cells(None, np.array([1e20, 1e300, -1e20, -1e300]), 100.0).tolist()
    assert found[0] == found[1] != found[2] == found[3]


def test_states_are_counted_as_they_come():
    """In float32 ten places a tenth apart came to two or three."""
    counter = VisitCounter([[0]], count_scale=10.0)
    places = 5_600_000 + 0.1 * np.arange(10)
    assert counter.visit(places[:, None])[:, 0].tolist() == [1] * 10


@pytest.mark.parametrize("device", DEVICES)
def test_counts_do_not_wrap(device):
    """An empty segment meets one key at every step: after 2^31 of them int32 gave NaN to everybody."""
    counter = VisitCounter([[], [0]], device=device, table_bits=4)
    state = on(device, np.zeros((1, 1), dtype=np.float32))
    counter.visit(state)
    counter.table[counter.table > 0] = 2**31 - 1
    visits = counter.visit(state)
    assert to_numpy(visits).tolist() == [[2**31, 2**31]]
    nonempty = on(device, np.array([0.0, 1.0], dtype=np.float32))
    np.testing.assert_allclose(to_numpy(count_bonus(visits, nonempty)), [[0.0, 2**-15.5]], rtol=1e-6)


def test_counts_of_before_load():
    counter = VisitCounter([[0]], table_bits=4)
    counter.visit(np.arange(5.0)[:, None])
    saved = counter.state_dict()
    saved["counts"] = saved["counts"].astype(np.int32)
    other = VisitCounter([[0]], table_bits=4)
    other.load_state_dict(saved)
    assert other.table.dtype == np.int64
    np.testing.assert_array_equal(other.table, counter.table)


def test_segments_of_the_same_dimensions_have_counts_of_their_own():
    counter = VisitCounter([[0], [0]])
    state = np.zeros((1, 1), dtype=np.float32)
    for _ in range(3):
        counter.visit(state, np.array([[True, False]]))
    assert counter.visit(state).tolist() == [[4, 1]]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("segments", [[[*range(12)], [3], [], [5, 6]], [[], [0], [*range(20)], []], [[2]] * 4])
def test_hashes_are_sums_of_64_bits_however_unlike_segments_are(device, segments):
    """Word for word, on whole numbers without bounds: most of these sums overflow."""
    states = np.random.default_rng(0).normal(size=(2, 5, 20)) * 1e6
    counter = VisitCounter(segments, 3.0, 8, device)
    whole, multipliers = np.floor(states * 3.0 + 0.5).astype(np.int64).tolist(), to_numpy(counter.multipliers).tolist()
    found = to_numpy(counter.hashes(on(device, states))).tolist()
    for keys_of_group, group in zip(whole, found, strict=True):
        for key, row in zip(keys_of_group, group, strict=True):
            parts = zip(segments, multipliers, strict=True)
            sums = [sum(key[k] * m for k, m in zip(dims, own, strict=False)) for dims, own in parts]
            assert [x % 2**64 for x in row] == [x % 2**64 for x in sums]


def test_dimensions_outside_the_segment_do_not_matter_and_order_does():
    counter = VisitCounter([[0, 1]])
    counter.visit(np.array([[1, 2, 9], [1, 2, 8]], dtype=np.float32))
    assert counter.count(np.array([[1, 2, 7], [2, 1, 9], [1, 0, 9]], dtype=np.float32))[:, 0].tolist() == [2, 0, 0]


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


def test_collisions_are_as_rare_as_said():
    """With m keys a new one meets another with probability m / 2^bits: about m^2 / 2^(bits + 1) lost in all."""
    keys_seen = np.unique(np.random.default_rng(0).integers(-50, 50, (4000, 14)), axis=0).astype(np.float32)
    counter = VisitCounter([list(range(14))], table_bits=14)
    slots = counter.slots(keys_seen)[:, 0]
    m, table = len(keys_seen), 2**14
    distinct = table * (1 - (1 - 1 / table) ** m)
    assert len(set(slots.tolist())) == pytest.approx(distinct, rel=0.03)
    counter.visit(keys_seen)
    assert counter.occupancy() == len(set(slots.tolist())) / table


def test_the_grid_tasks_positions_do_not_collide():
    cells = np.stack(np.meshgrid(np.arange(20), np.arange(20), indexing="ij"), axis=-1).reshape(-1, 2)
    counter = VisitCounter([[], *([2 * i, 2 * i + 1] for i in range(7))])
    slots = counter.slots(np.tile(cells, (1, 7)).astype(np.float32))
    assert [len(set(column.tolist())) for column in slots.T] == [1] + [400] * 7


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("bits", [4, 10])
def test_memory_is_what_is_said(device, bits):
    on(device, np.zeros(1))
    counter = VisitCounter([[0], [1], [0, 1]], table_bits=bits, device=device)
    for _ in range(3):
        counter.visit(on(device, np.random.default_rng(0).normal(0, 1e4, (500, 2)).astype(np.float32)))
        assert counter.table.shape == (3, 2**bits)
        assert to_numpy(counter.table).nbytes == 8 * 3 * 2**bits


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("other_device", DEVICES)
def test_state_dict_round_trip(device, other_device):
    rng = np.random.default_rng(4)
    segments = [[0, 2], [], [1]]
    counter = VisitCounter(segments, 2.0, 10, device)
    counter.visit(on(device, rng.integers(0, 4, (50, 3)).astype(np.float32)))
    saved = counter.state_dict()
    other = VisitCounter(segments, 2.0, 10, other_device)
    other.visit(on(other_device, np.full((7, 3), 9, dtype=np.float32)))
    other.load_state_dict(saved)
    np.testing.assert_array_equal(to_numpy(other.table), to_numpy(counter.table))
    assert saved["slots"].shape == saved["counts"].shape == (int((to_numpy(counter.table) > 0).sum()),)
    # Both go on from there, each by itself.
    before = to_numpy(counter.table).copy()
    states = rng.integers(0, 4, (5, 3)).astype(np.float32)
    counted = to_numpy(other.visit(on(other_device, states)))
    np.testing.assert_array_equal(to_numpy(counter.table), before)
    np.testing.assert_array_equal(to_numpy(counter.visit(on(device, states))), counted)


@pytest.mark.parametrize(
    "other",
    [
        VisitCounter([[0], [1]], table_bits=5),
        VisitCounter([[0], [1]], count_scale=2.0, table_bits=4),
        VisitCounter([[1], [0]], table_bits=4),
        VisitCounter([[0], [1], []], table_bits=4),
        VisitCounter([[0, 1]], table_bits=4),
        VisitCounter([[0]], table_bits=4),
    ],
)
def test_unlike_counters_neither_merge_nor_load(other):
    counter = VisitCounter([[0], [1]], table_bits=4)
    other.visit(np.ones((3, 2), dtype=np.float32))
    with pytest.raises(ScopeMismatchError, match="visit counters differ"):
        counter.merge(other)
    with pytest.raises(ScopeMismatchError, match="visit counters differ"):
        counter.load_state_dict(other.state_dict())
    assert counter.table.sum() == 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("segments", {"segments": []}),
        ("count_scale", {"segments": [[0]], "count_scale": 0.0}),
        ("count_scale", {"segments": [[0]], "count_scale": -1.0}),
        ("count_scale", {"segments": [[0]], "count_scale": float("nan")}),
        ("table_bits", {"segments": [[0]], "table_bits": 3}),
        ("table_bits", {"segments": [[0]], "table_bits": 31}),
        ("table_bits", {"segments": [[0]], "table_bits": 8.0}),
    ],
)
def test_bad_arguments(name, arguments):
    with pytest.raises(InvalidValueError, match=name):
        VisitCounter(**arguments)


@pytest.mark.parametrize("device", DEVICES)
def test_count_bonus_is_one_over_the_root(device):
    visits = np.array([[1, 4, 7], [100, 2, 1], [0, 0, 0]], dtype=np.int32)
    nonempty = np.array([1.0, 1.0, 0.0], dtype=np.float32)
    bonus = to_numpy(count_bonus(on(device, visits), on(device, nonempty)))
    assert bonus.dtype == np.float32
    expected = [[1.0, 0.5, 0.0], [0.1, 2**-0.5, 0.0], [1.0, 1.0, 0.0]]
    np.testing.assert_allclose(bonus, expected, rtol=1e-6)
