"""Which states are one to a visit counter: the cells of numbers, and their keys."""

from collections import Counter

import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st
from reward_oracles import on

from isa_wrappers.arrays import to_numpy
from isa_wrappers.rewards.counts import VisitCounter


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
