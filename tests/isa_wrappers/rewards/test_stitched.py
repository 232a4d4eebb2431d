"""Stitched goals: what is kept, what takes over, saving, following, and both wrapper families."""

import numpy as np
import pytest
from devices import DEVICES
from stitched_play import drawn, feed, made, steps

from isa_wrappers import GoalRecording, GoalSampling, InfluenceScope, StitchedGoals
from isa_wrappers.arrays import Rng, to_numpy
from isa_wrappers.envs import make_batch, make_parallel
from isa_wrappers.errors import ScopeMismatchError
from isa_wrappers.rewards.selectors import GOAL_SELECTORS
from isa_wrappers.rewards.stitched import KEEP
from isa_wrappers.scope.credit import credit_for
from isa_wrappers.wrappers import batch

COMMON = InfluenceScope.from_dimensions({"a": [[0, 2]], "b": [[1, 2]]}, state_size=3)


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
    assert goals._best.kept.tolist() == [False, True, False]
    # Where it is not kept, and searched for instead: from 4 to 5 it is known to be able to be.
    uniform = np.array([[[KEEP + 0.01, 0.4, 0.5, 0.1]] * 3])
    assert goals.stitch(uniform)[0, 0] == 4.0
    uniform[..., 0] = KEEP - 0.01
    assert goals.stitch(uniform)[0, 0] == 5.0
    # A poorer episode changes nothing, one as good takes its place, and so does a better one.
    play(goals, [(0, 0), (7, 1)], [0.5])
    assert goals._best.state.tolist() == [5.0, 3.0, 0.0]
    play(goals, [(0, 0), (6, 0)], [1.0])
    assert goals._best.state.tolist() == [6.0, 0.0, 0.0]
    play(goals, [(0, 0), (0, 8), (2, 8)], [1.0, 1.0])
    assert (goals._best.state.tolist(), goals._best.kept.tolist()) == ([2.0, 8.0, 0.0], [False, True, True])


def test_episodes_of_several_environments_are_told_apart():
    goals, act = made(), np.ones((2, 2), dtype=bool)
    before, after = np.zeros((2, 3)), np.array([[5.0, 1.0, 0.0], [6.0, 2.0, 0.0]])
    both = goals.begin(2)
    goals.observe(both, before, after, np.array([[1.0, 1.0], [3.0, 3.0]]), act, np.array([True, False]))
    assert goals._best.state.tolist() == [5.0, 1.0, 0.0], "the other is not over"
    goals.observe(both, after, after, np.array([[2.0, 2.0], [0.0, 0.0]]), act, np.array([True, True]))
    assert goals._best.state.tolist() == [6.0, 2.0, 0.0]
    assert goals._best.earned.tolist() == [3.0], "what the first had earned was its last episode's"


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
