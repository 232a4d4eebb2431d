"""The goal buffer against ``collections.deque``, and draws."""

from collections import Counter, deque
from contextlib import nullcontext

import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_wrappers import GoalBuffer
from isa_wrappers.arrays import Rng, to_backend, to_numpy
from isa_wrappers.errors import EmptyGoalBufferError, InvalidValueError, NonFiniteError, ScopeMismatchError


def on(device, array):
    if device is not None:
        pytest.importorskip("torch")
    return to_backend(array, device)


def filled(device, capacity, count, seed=0):
    """A buffer into which the states (0, 0), (1, -1), ... went."""
    on(device, np.zeros(1))
    buffer = GoalBuffer(2, capacity, seed=seed, device=device)
    numbers = np.arange(count, dtype=np.float32)
    buffer.add(on(device, np.stack([numbers, -numbers], axis=1)), on(device, np.ones(count, dtype=bool)))
    return buffer


def rows(states):
    return Counter(tuple(row) for row in to_numpy(states).tolist())


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@given(
    capacity=st.integers(1, 7),
    batches=st.lists(st.lists(st.booleans(), min_size=1, max_size=20), min_size=0, max_size=8),
)
@settings(deadline=None, max_examples=80)
def test_holds_what_a_bounded_deque_holds(device, capacity, batches):
    """Whatever number is won at once: none, some, or more than fit."""
    on(device, np.zeros(1))
    buffer, oracle = GoalBuffer(2, capacity, device=device), deque(maxlen=capacity)
    number = 0
    for won in batches:
        states = [(float(number + b), float(-number - b)) for b in range(len(won))]
        number += len(won)
        oracle.extend(state for state, is_won in zip(states, won, strict=True) if is_won)
        buffer.add(on(device, np.array(states, dtype=np.float32)), on(device, np.array(won)))
        assert len(buffer) == len(oracle)
        assert rows(buffer.states) == Counter(oracle)


@pytest.mark.parametrize("device", DEVICES)
def test_draws_are_uniform_over_what_is_stored(device):
    buffer = filled(device, capacity=5, count=8)
    drawn = rows(buffer.sample(20_000))
    assert set(drawn) == {(float(k), float(-k)) for k in range(3, 8)}
    # Five standard deviations of a binomial with p = 1/5.
    assert all(abs(n - 4000) < 5 * (20_000 * 0.2 * 0.8) ** 0.5 for n in drawn.values())


@pytest.mark.parametrize("device", DEVICES)
def test_a_buffer_half_full_never_yields_an_empty_row(device):
    assert set(rows(filled(device, capacity=100, count=3).sample(500))) == {(0.0, 0.0), (1.0, -1.0), (2.0, -2.0)}
    buffer = GoalBuffer(2, 10, device=device)
    buffer.add(on(device, np.full((4, 2), 5, dtype=np.float32)), on(device, np.array([False, True, False, False])))
    assert rows(buffer.sample(100)) == {(5.0, 5.0): 100}


@pytest.mark.parametrize("device", DEVICES)
def test_draws_depend_on_the_seed_alone(device):
    first, same, other = (to_numpy(filled(device, 50, 50, seed).sample(30)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    buffer = filled(device, 50, 50, 7)
    assert not np.array_equal(to_numpy(buffer.sample(30)), to_numpy(buffer.sample(30)))


@pytest.mark.parametrize("device", DEVICES)
def test_draw_maps_the_unit_interval_evenly(device):
    buffer = filled(device, capacity=4, count=4)
    uniform = np.array([[0.0, 0.2499], [0.25, 0.5], [0.75, 0.99999999]])
    drawn = to_numpy(buffer.draw(on(device, uniform)))
    assert drawn.shape == (3, 2, 2)
    assert drawn[..., 0].tolist() == [[0.0, 0.0], [1.0, 2.0], [3.0, 3.0]]
    # The largest float32 below 1 still picks the last state.
    almost_one = np.nextafter(np.float32(1), np.float32(0))
    assert to_numpy(buffer.draw(on(device, np.array([almost_one]))))[0, 0] == 3.0


@pytest.mark.parametrize("device", DEVICES)
def test_recent_counts_back_from_the_last_win(device):
    buffer = filled(device, capacity=4, count=10)
    ages = on(device, np.array([[0, 1], [3, 2], [4, 9]]))
    assert to_numpy(buffer.recent(ages))[..., 0].tolist() == [[9, 8], [6, 7], [6, 6]]
    assert to_numpy(filled(device, capacity=4, count=2).recent(ages))[..., 0].tolist() == [[1, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize("device", DEVICES)
def test_an_empty_buffer_has_nothing_to_draw(device):
    on(device, np.zeros(1))
    buffer = GoalBuffer(3, device=device)
    assert len(buffer) == 0
    assert buffer.states.shape == (0, 3)
    with pytest.raises(EmptyGoalBufferError, match="empty"):
        buffer.sample(1)
    buffer.add(on(device, np.ones((4, 3), dtype=np.float32)), on(device, np.zeros(4, dtype=bool)))
    with pytest.raises(EmptyGoalBufferError):
        buffer.sample(1)


@pytest.mark.parametrize("capacity", [0, -1, 2.0, None])
def test_bad_capacity(capacity):
    with pytest.raises(InvalidValueError, match="capacity"):
        GoalBuffer(2, capacity)


def test_the_default_keeps_a_hundred():
    buffer = GoalBuffer(1)
    buffer.add(np.arange(250, dtype=np.float32)[:, None], np.ones(250, dtype=bool))
    assert sorted(buffer.states[:, 0].tolist()) == list(range(150, 250))


def test_what_was_added_is_copied():
    states = np.ones((1, 2), dtype=np.float32)
    buffer = GoalBuffer(2, 3)
    buffer.add(states, np.array([True]))
    states[:] = 9.0
    assert rows(buffer.states) == {(1.0, 1.0): 1}


@pytest.mark.parametrize("device", DEVICES)
def test_what_was_not_won_leaves_nothing_behind(device):
    """Nor more wins at once than fit: who writes a row last is chance on CUDA, so saved goals would differ by run."""
    buffer, lost = GoalBuffer(1, 2, device=device), [7.0, float("nan")]
    buffer.add(on(device, np.array([[1.0], [2.0], [3.0]])), on(device, np.array([True, True, True])))
    buffer.add(on(device, np.array([[x] for x in lost])), on(device, np.array([False, False])))
    with pytest.raises(NonFiniteError) if str(device) != "cuda" else nullcontext():
        GoalBuffer(1, 2, device=device).add(on(device, np.array([[np.nan]])), on(device, np.array([True])))
    saved = buffer.state_dict()
    assert sorted(to_numpy(saved["states"])[:, 0].tolist()) == [0.0, 2.0, 3.0]
    GoalBuffer(1, 2, device=device).load_state_dict(saved)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("count", [0, 3, 12])
def test_round_trip_goes_on_where_it_stopped(device, count):
    buffer = filled(device, 5, count, seed=3)
    if count:
        buffer.sample(4)
    saved = {key: to_numpy(value).copy() for key, value in buffer.state_dict().items()}
    live = buffer.state_dict()
    restored = GoalBuffer(2, 5, seed=99, device=device)
    restored.load_state_dict({key: on(device, value) for key, value in saved.items()})
    for twin in (buffer, restored):
        # The next added one replaces the oldest, in both.
        twin.add(on(device, np.full((2, 2), 50, dtype=np.float32)), on(device, np.array([True, True])))
    assert rows(restored.states) == rows(buffer.states)
    np.testing.assert_array_equal(to_numpy(restored.sample(40)), to_numpy(buffer.sample(40)))
    for key, value in live.items():
        np.testing.assert_array_equal(to_numpy(value), saved[key], err_msg=f"{key} changed after it was saved")


@pytest.mark.parametrize("other", [GoalBuffer(2, 6), GoalBuffer(3, 5)])
def test_another_size_does_not_load(other):
    with pytest.raises(ScopeMismatchError, match="saved goals of shape"):
        GoalBuffer(2, 5).load_state_dict(other.state_dict())


@pytest.mark.parametrize("device", DEVICES)
@given(steps=st.lists(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=3, max_size=3), max_size=30))
@settings(max_examples=25, deadline=None)
def test_the_share_of_episodes_won(device, steps):
    """The mean of the episodes that end in a step comes in, with a hundredth for each of them."""
    goals, share = GoalBuffer(1, device=device), 0.0
    for step in steps:
        over, won = (np.array(column) for column in zip(*step, strict=True))
        goals.ended(on(device, over), on(device, won))
        if over.any():
            kept = 0.99 ** over.sum()
            share = kept * share + (1 - kept) * won[over].mean()
    assert float(goals.won_share) == pytest.approx(share)
    again = GoalBuffer(1, device=device)
    again.load_state_dict(goals.state_dict())
    assert float(again.won_share) == float(goals.won_share)


def test_a_buffer_saved_before_there_was_a_share_is_read():
    goals = GoalBuffer(1)
    goals.ended(np.array([True]), np.array([True]))
    old = {name: value for name, value in GoalBuffer(1).state_dict().items() if name != "won_share"}
    goals = GoalBuffer(1)
    goals.load_state_dict(old)
    assert float(goals.won_share) == 0.0


KEPT = {}


def own_memory(held, draws):
    """Write every choice into one array."""
    kept = KEPT.setdefault(str(held.device), held.draw(draws))
    kept[:] = held.draw(draws)
    return kept


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "select",
    [
        lambda held, draws: held.states[:2],
        lambda held, draws: held.states[:2].detach() if held.device else np.broadcast_to(held.states[-1], (2, 1)),
        own_memory,
    ],
)
def test_a_goal_that_a_selector_shows_of_the_buffer_stays_what_it_is(select, device):
    goals, two = GoalBuffer(state_size=1, capacity=2, device=device), on(device, np.array([True, True]))
    goals.add(on(device, np.array([[1.0], [1.0]], dtype=np.float32)), two)
    chosen = goals.choose(select, Rng(0, device), 2)
    goals.add(on(device, np.array([[9.0], [9.0]], dtype=np.float32)), two)
    goals.choose(select, Rng(0, device), 2)
    assert chosen.tolist() == [[1.0], [1.0]]
