"""Stitched goals: places against a loop over dictionaries, what stands out, and what is drawn."""

import math

import numpy as np
import pytest
from devices import DEVICES

from isa_wrappers import GoalRecording, GoalSampling, InfluenceScope, StitchedGoals
from isa_wrappers.arrays import Rng, to_backend, to_numpy
from isa_wrappers.envs import make_batch, make_parallel
from isa_wrappers.errors import EmptyGoalBufferError, ScopeMismatchError
from isa_wrappers.rewards.places import ERROR_RATE, MEMORY, PLACES
from isa_wrappers.rewards.selectors import GOAL_SELECTORS
from isa_wrappers.rewards.stitched import KEEP
from isa_wrappers.scope.credit import credit_for
from isa_wrappers.wrappers import batch

SCOPE = InfluenceScope.from_dimensions({"a": [[0]], "b": [[1]]}, state_size=3)
COMMON = InfluenceScope.from_dimensions({"a": [[0, 2]], "b": [[1, 2]]}, state_size=3)


def made(device=None, scope=SCOPE, **options):
    if device is not None:
        pytest.importorskip("torch")
    return StitchedGoals(scope, device=device, **options)


def steps(count, seed=0, envs=6, cells=9, paid=lambda places, rng: places[:, :2] == 4):
    """Steps of two agents on lines of ``cells`` cells each; the team is paid where either arrives as ``paid`` says."""
    rng = np.random.default_rng(seed)
    before = rng.integers(0, cells, (envs, 3)).astype(np.float32)
    for _ in range(count):
        stays = rng.random((envs, 3)) < 0.3
        after = np.where(stays, before, rng.integers(0, cells, (envs, 3))).astype(np.float32)
        acted = rng.random((envs, 2)) < 0.9
        arrived = (after != before)[:, :2] & acted & paid(after, rng)
        reward = np.repeat(arrived.any(1, keepdims=True), 2, axis=1).astype(np.float32)
        yield before, after, reward, acted, np.zeros(envs, dtype=bool)
        before = after


def feed(goals, played):
    for step in played:
        goals.observe(goals.begin(len(step[0])), *(to_backend(x, goals.device) for x in step))


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


def drawn(goals, count=4_000, seed=0, searching=True):
    """Goals of the first agent: value -> share of the draws."""
    uniform = np.random.default_rng(seed).random((count, goals.rows, 4))
    if not searching:
        uniform[..., 1] = 0.9
    values = to_numpy(goals.stitch(uniform))[:, 0]
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), (counts / count).tolist(), strict=True))


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


def play(goals, path, rewards):
    """One episode of one environment along ``path`` of both agents' places."""
    episode = goals.begin(1)
    for t, reward in enumerate(rewards):
        before, after = (np.array([[*places, 0.0]]) for places in path[t : t + 2])
        ended = np.array([t == len(rewards) - 1])
        goals.observe(episode, before, after, np.full((1, 2), reward), np.array([[True, True]]), ended)


def test_the_best_state_so_far_is_kept_where_it_was_rewarded_and_still_holds():
    goals = made()
    # The first agent arrives at 5 and stays; the second moves on from where it was when that was rewarded.
    play(goals, [(0, 0), (4, 1), (5, 2), (5, 3)], [0.0, 1.0, 0.0])
    assert drawn(goals)[5.0] > KEEP - 0.03
    assert goals._kept.tolist() == [False, True, False]
    # Where it is not kept, and searched for instead: from 4 to 5 it is known to be able to be.
    uniform = np.array([[[KEEP + 0.01, 0.4, 0.5, 0.1]] * 3])
    assert goals.stitch(uniform)[0, 0] == 4.0
    uniform[..., 0] = KEEP - 0.01
    assert goals.stitch(uniform)[0, 0] == 5.0
    # A poorer episode changes nothing, one as good takes its place, and so does a better one.
    play(goals, [(0, 0), (7, 1)], [0.5])
    assert goals._best_state.tolist() == [5.0, 3.0, 0.0]
    play(goals, [(0, 0), (6, 0)], [1.0])
    assert goals._best_state.tolist() == [6.0, 0.0, 0.0]
    play(goals, [(0, 0), (0, 8), (2, 8)], [1.0, 1.0])
    assert (goals._best_state.tolist(), goals._kept.tolist()) == ([2.0, 8.0, 0.0], [False, True, True])


def test_episodes_of_several_environments_are_told_apart():
    goals, act = made(), np.ones((2, 2), dtype=bool)
    before, after = np.zeros((2, 3)), np.array([[5.0, 1.0, 0.0], [6.0, 2.0, 0.0]])
    both = goals.begin(2)
    goals.observe(both, before, after, np.array([[1.0, 1.0], [3.0, 3.0]]), act, np.array([True, False]))
    assert goals._best_state.tolist() == [5.0, 1.0, 0.0], "the other is not over"
    goals.observe(both, after, after, np.array([[2.0, 2.0], [0.0, 0.0]]), act, np.array([True, True]))
    assert goals._best_state.tolist() == [6.0, 2.0, 0.0]
    assert goals._best.tolist() == [3.0], "what the first had earned was its last episode's"


def test_what_is_won_takes_over():
    goals = made()
    feed(goals, steps(200, paid=lambda after, rng: after[:, :2] == (4, 7)))
    assert goals.look()
    goals.add(np.array([[1.0, 2.0, 3.0]]), np.array([True]))
    assert not goals.stitches
    assert goals.ready(1)
    assert goals.sample(5).tolist() == [[1.0, 2.0, 3.0]] * 5
    chosen = goals.choose(GOAL_SELECTORS["uniform"], Rng(0, None, "goals"), 2)
    assert chosen.tolist() == [[1.0, 2.0, 3.0]] * 2


def test_segments_without_weight_are_not_waited_for():
    """One place of the common segment is paid, none of the special ones."""
    played = list(steps(300, paid=lambda after, rng: np.repeat(after[:, 2:] == 4, 2, axis=1)))
    waits, goes = made(scope=COMMON), made(scope=COMMON, special_weight=0.0)
    for goals in (waits, goes):
        feed(goals, played)
    assert (waits.look(), goes.look()) == (False, True)
    assert (goes.sample(200)[:, 2] == 4).mean() > 0.4
    # A rule of credit that has a weight of its own is asked first.
    ruled = made(scope=credit_for(COMMON, "common_only"))
    feed(ruled, played)
    assert ruled.look()


@pytest.mark.parametrize("device", DEVICES)
def test_saved_and_restored_it_goes_on_the_same(device):
    first, second = made(device, seed=1), made(device, seed=2)
    played = list(steps(200, paid=lambda after, rng: after[:, :2] == (4, 7)))
    feed(first, played[:100])
    first.look()
    second.load_state_dict(first.state_dict())
    for goals in (first, second):
        feed(goals, played[100:])
    assert second.look() == first.look()
    assert to_numpy(second.sample(20)).tolist() == to_numpy(first.sample(20)).tolist()
    with pytest.raises(ScopeMismatchError, match="places"):
        made(device, InfluenceScope.from_dimensions({"a": [[0, 2]], "b": [[1]]}, state_size=3)).load_state_dict(
            first.state_dict()
        )


def test_what_was_saved_before_a_win_stitches_again_after_one():
    goals = made()
    feed(goals, steps(200, paid=lambda after, rng: after[:, :2] == (4, 7)))
    goals.look()
    saved = goals.state_dict()
    goals.add(np.array([[1.0, 2.0, 3.0]]), np.array([True]))
    assert not goals.stitches
    goals.load_state_dict(saved)
    assert goals.stitches


def test_the_first_win_ends_the_search_even_where_more_are_waited_for():
    goals = made()
    goals.add(np.array([[1.0, 2.0, 3.0]]), np.array([True]))
    feed(goals, steps(200, paid=lambda after, rng: after[:, :2] == (4, 7)))
    assert not goals.ready(2)


def test_following_a_scope_finds_places_anew_and_keeps_what_was_won():
    goals = made()
    feed(goals, steps(200, paid=lambda after, rng: after[:, :2] == (4, 7)))
    assert goals.look()
    goals.add(np.array([[1.0, 2.0, 3.0]]), np.array([True]))
    goals.follow(COMMON)
    assert not goals.look()
    assert len(goals) == 1


def test_float64_states_keep_their_digits():
    goals, x = made(scope=InfluenceScope.from_dimensions({"a": [[0]]}, state_size=1)), 5_600_000.1
    for cell, reward, times in ((0.5, 0.0, 300), (x, 1.0, 5)):
        for _ in range(times):
            after, yes = np.array([[cell]]), np.array([[True]])
            goals.observe(goals.begin(1), 9 + 0 * after, after, np.array([[reward]]), yes, ~yes[0])
    assert goals.look()
    assert x in goals.sample(20)[:, 0].tolist()


LOCKS = {"num_agents": 2, "grid": 4, "targets": [(0, 2), (3, 1)], "horizon": 12}
GRID = InfluenceScope.from_dimensions({f"agent_{i}": [[2 * i, 2 * i + 1]] * 5 for i in range(2)}, state_size=8)


def test_batched_wrappers_feed_it_and_give_goals_before_a_win():
    goals = StitchedGoals(GRID)
    env = batch.GoalRecording(make_batch("grid/unlock", 16, **LOCKS), goals)
    step, rng = env.reset(seed=0), np.random.default_rng(0)
    for _ in range(200):
        draws = np.where(step.available, rng.random(step.available.shape), -1.0)
        step = env.step(draws.argmax(-1))
        goals._added = 0 * goals._added  # as if nothing had been won
        if goals.look():
            break
    assert goals.stitches
    sampling = batch.GoalSampling(env, goals, GRID)
    sampling.reset(seed=1)
    assert [0.0, 2.0, 3.0, 1.0] in sampling.goal[:, :4].tolist()
    held = sampling.goal.copy()
    step = sampling.step(np.zeros((16, 2), dtype=np.int64))
    np.testing.assert_array_equal(sampling.goal[~step.done], held[~step.done])


def test_parallel_wrappers_feed_it_and_give_goals_before_a_win():
    goals = StitchedGoals(GRID)
    env = GoalRecording(make_parallel("grid/unlock", **LOCKS), GRID, goals)
    rng = np.random.default_rng(0)
    for episode in range(400):
        observations, _ = env.reset(seed=episode)
        while env.agents:
            masks = {agent: observations[agent]["action_mask"] for agent in env.agents}
            actions = {agent: int(rng.choice(np.flatnonzero(mask))) for agent, mask in masks.items()}
            observations, *_ = env.step(actions)
        goals._added = 0 * goals._added
        if goals.look():
            break
    assert goals.stitches
    made_anew = [GoalSampling(make_parallel("grid/unlock", **LOCKS), GRID, goals, seed=seed) for seed in range(20)]
    for sampling in made_anew:
        sampling.reset()
    assert [0.0, 2.0, 3.0, 1.0] in [sampling.goal[:4].tolist() for sampling in made_anew]
    # A frozen stack is evaluated: it takes nothing in.
    env.freeze()
    before = goals.places._arrivals.copy()
    observations, _ = env.reset(seed=0)
    env.step(dict.fromkeys(env.agents, 2))
    np.testing.assert_array_equal(goals.places._arrivals, before)
