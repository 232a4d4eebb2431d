"""Places against a loop over dictionaries, what stands out among them, and which are drawn."""

import math

import numpy as np
import pytest
from devices import DEVICES
from stitched_play import drawn, feed, made, steps

from isa_wrappers import InfluenceScope
from isa_wrappers.arrays import to_backend, to_numpy
from isa_wrappers.errors import EmptyGoalBufferError
from isa_wrappers.rewards.places import ERROR_RATE, MEMORY, PLACES


def arms(goals, row):
    """Known places: value -> (arrivals, rewarded)."""
    here = slice(row * PLACES, (row + 1) * PLACES)
    used = to_numpy(goals.places._used[here])
    values, n, paid = (
        to_numpy(x[here])[used] for x in (goals.places._values, goals.places._arrivals, goals.places._rewarded)
    )
    return {float(v[0]): (float(a), float(p)) for v, a, p in zip(values, n, paid, strict=True)}


def looped(played):
    """The same by a loop: no two of so few cells share a place."""
    found = [{}, {}]
    for before, after, reward, acted, _ in played:
        new = []
        for b in range(len(before)):
            for a in range(2):
                if not acted[b, a] or before[b, a] == after[b, a]:
                    continue
                cell, paid = float(after[b, a]), reward[b, a] > 0
                if cell in found[a]:
                    n, m = found[a][cell]
                    found[a][cell] = (n + 1, m + paid)
                elif paid:
                    new.append((a, cell))
        for places in found:  # earlier arrivals fade once there are many
            for cell, (n, m) in places.items():
                places[cell] = (min(n, MEMORY), m * min(1.0, MEMORY / max(n, 1)))
        for a, cell in new:  # what came in with this step is counted from the next one on
            found[a][cell] = (0, 0)
    return found


@pytest.mark.parametrize("device", DEVICES)
def test_places_are_counted_as_a_loop_counts_them(device):
    goals = made(device)
    feed(goals, steps(60))
    for row, places in enumerate(looped(steps(60)), start=1):
        found = arms(goals, row)
        assert set(found) == set(places)
        for cell, counted in places.items():
            assert found[cell] == pytest.approx(counted)
    assert max(n for n, _ in arms(goals, 1).values()) == MEMORY
    assert arms(goals, 0) == {}, "the common segment is empty here"


@pytest.mark.parametrize("device", DEVICES)
def test_the_place_that_is_paid_stands_out_for_each_agent_and_is_given(device):
    goals = made(device, seed=3)
    feed(goals, steps(200, paid=lambda after, rng: after[:, :2] == (4, 7)))
    assert goals.look()
    assert goals.stitches
    given = to_numpy(goals.sample(2_000))
    # It is given half of the time; the other half any of nine is, the two at the ends half as often.
    assert np.abs((given[:, :2] == (4, 7)).mean(0) - (0.5 + 0.5 / 8)).max() < 0.05
    assert (given[:, 2] == 0).all(), "nobody moves the last dimension"


@pytest.mark.parametrize(
    ("name", "paid"),
    [
        ("never", lambda after, rng: np.zeros((len(after), 2), dtype=bool)),
        ("always", lambda after, rng: np.ones((len(after), 2), dtype=bool)),
        ("one agent's alone", lambda after, rng: after[:, :2] == (4, -1)),
    ],
)
def test_nothing_is_stitched_where_no_place_stands_out_for_everyone(name, paid):
    goals = made()
    feed(goals, steps(300, paid=paid))
    assert not goals.look()
    assert not goals.stitches
    assert not goals.ready(1)
    with pytest.raises(EmptyGoalBufferError, match="empty"):
        goals.sample(1)


def test_rewards_that_come_by_chance_seldom_pass_for_more():
    """Of 60 streams of rewards that nobody's place has to do with, looked at 20 times each."""
    found = 0
    for seed in range(60):
        goals, chance = made(), 0.02 + 0.2 * (seed % 3)
        stream = steps(200, seed, paid=lambda after, rng, p=chance: rng.random((len(after), 2)) < p)
        for count, step in enumerate(stream, start=1):
            goals.observe(goals.begin(6), *step)
            if count % 10 == 0:
                goals.look()
        found += goals.look()
    assert found <= 60 * ERROR_RATE


def test_a_place_needs_as_many_rewarded_arrivals_as_the_bound_says():
    """With a reward on one arrival in 100 the place needs n with n log 100 > log(PLACES / ERROR_RATE): 2."""
    one = InfluenceScope.from_dimensions({"a": [[0]]}, state_size=2)
    goals = made(scope=one)  # one agent alone: its segment is common

    def step(cell, reward):
        after, yes = np.array([[cell, 0.0]]), np.array([[True]])
        goals.observe(goals.begin(1), 0 * after, after, np.array([[reward]]), yes, ~yes[0])

    for _ in range(297):
        step(5.0, 0.0)
    seen = []
    for _ in range(3):  # the first brings the place in
        step(1.0, 1.0)
        seen.append(goals.look())
    assert math.ceil(math.log(PLACES / ERROR_RATE) / math.log(100)) == 2
    assert seen == [False, False, True]


def test_of_places_that_little_is_known_of_each_is_tried():
    goals = made()
    feed(goals, steps(3, paid=lambda after, rng: after[:, :2] > 3))
    known = arms(goals, 1)
    assert len(known) > 2
    assert set(known) <= set(drawn(goals))


def test_places_are_drawn_as_often_as_a_posterior_says_that_they_are_the_best():
    """Against draws from the Beta distributions themselves, of places that are rewarded on most arrivals."""
    goals = made()
    feed(goals, steps(4, paid=lambda after, rng: after[:, :2] > 4))
    places = {cell: (n, m) for cell, (n, m) in arms(goals, 1).items()}
    rng, cells = np.random.default_rng(1), list(places)
    draws = np.stack([rng.beta(1 + m, 1 + n - m, 200_000) for n, m in places.values()], axis=1)
    best, good = draws.argmax(1), draws.max(1) >= 0.5
    shares = drawn(goals, 20_000, searching=False)
    for i, cell in enumerate(cells):
        assert shares.get(cell, 0.0) == pytest.approx(((best == i) & good).mean(), abs=0.06)


@pytest.mark.parametrize("device", DEVICES)
def test_an_agent_that_knows_no_good_place_searches_the_box_of_where_it_was(device):
    """Of cells 2 to 11 along a line, half a unit each: every one of them, as often as any other, and no other."""
    goals = made(device, count_scale=2.0)
    for cell in (3.0, 1.0, 5.5, 4.0):
        after = np.full((1, 3), cell)
        played = [(after + 1, after, np.zeros((1, 2)), np.array([[True, True]]), np.array([False]))]
        feed(goals, played)
    values = to_numpy(goals.stitch(to_backend(np.random.default_rng(0).random((9_000, 3, 4)), device)))[:, 0]
    found, counts = np.unique(values, return_counts=True)
    assert found.tolist() == [x / 2 for x in range(2, 12)]
    # The cells at both ends are half as wide.
    assert (np.abs(counts - np.array([500, *[1_000] * 8, 500])) < 5 * 1_000**0.5).all()
