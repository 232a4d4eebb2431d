"""A visit counter's table: its size, its collisions, what is saved, merged and refused; and the bonus."""

import numpy as np
import pytest
from devices import DEVICES
from reward_oracles import on

from isa_wrappers.arrays import to_numpy
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.rewards.counts import VisitCounter
from isa_wrappers.rewards.segments import count_bonus


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
