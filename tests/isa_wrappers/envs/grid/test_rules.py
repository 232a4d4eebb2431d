"""The rules, against hand-written scenarios and a naive second reading of the paper's table."""

from __future__ import annotations

import numpy as np
import pytest
from grid_oracle import DOWN, LEFT, RIGHT, SHOOT, STAY, UP, compare_with_oracle, draw_task, play
from grid_play import NAMES
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_wrappers.envs.grid.rules import (
    MOVES,
    advance,
    available_actions,
    global_state,
    grid_task,
    observe,
    start_state,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.integers(1, 5), st.integers(3, 8), st.integers(0, 2**32 - 1))
def test_rules_agree_with_the_oracle(name, agents, side, seed):
    rng = np.random.default_rng(seed)
    compare_with_oracle(draw_task(name, agents, side, rng), rng, steps=40, shoot_often=bool(seed % 2))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_oracle_comparison_reaches_wins(name):
    rng = np.random.default_rng(0)
    outcomes = [compare_with_oracle(draw_task(name, 2, 3, rng), rng, 300, shoot_often=True) for _ in range(8)]
    assert sum(taken for taken, _ in outcomes) >= 8
    assert any(won for _, won in outcomes)


def test_moves():
    task = grid_task("navigation", 5, grid=5, targets=[(4, y) for y in range(5)])
    states, _, _ = play(task, [UP] * 5, [RIGHT] * 5, [STAY, DOWN, UP, LEFT, RIGHT])
    assert states[-1].position.tolist() == [[1, 1], [1, 0], [1, 2], [0, 1], [2, 1]]


def test_masks_and_stays_at_every_border():
    task = grid_task("unlock", 1, grid=3, targets=[(1, 1)])
    corners = {(0, 0): [UP, RIGHT], (0, 2): [DOWN, RIGHT], (2, 2): [DOWN, LEFT], (2, 0): [UP, LEFT]}
    routes = {(0, 0): [STAY], (0, 2): [UP, UP], (2, 2): [UP, UP, RIGHT, RIGHT], (2, 0): [RIGHT, RIGHT]}
    for corner, open_moves in corners.items():
        state = play(task, *[[a] for a in routes[corner]])[0][-1]
        assert state.position[0].tolist() == list(corner)
        assert np.flatnonzero(available_actions(task, state)[0]).tolist() == [STAY, *open_moves]
        for action in {DOWN, UP, LEFT, RIGHT} - set(open_moves):
            assert play(task, [action], state=state)[0][-1].position[0].tolist() == list(corner)


def test_landmark_freezes_its_taker():
    task = grid_task("navigation", 2, grid=4, targets=[(0, 1), (3, 3)])
    states, rewards, _ = play(task, [UP, STAY], [UP, STAY], [RIGHT, STAY])
    assert rewards == [1, 0, 0]
    assert states[-1].position[0].tolist() == [0, 1]
    assert available_actions(task, states[0])[0].tolist() == [True, False, False, False, False]
    assert states[0].held.tolist() == [True, False]


def test_any_agent_takes_any_landmark_and_all_held_wins():
    task = grid_task("navigation", 2, grid=4, targets=[(0, 1), (1, 0)])
    _, rewards, wins = play(task, [RIGHT, STAY], [STAY, UP])
    assert rewards == [1, 1]
    assert wins == [False, True]


def test_two_landmarks_in_one_step_give_two():
    task = grid_task("navigation", 2, grid=4, targets=[(0, 1), (1, 0)])
    _, rewards, wins = play(task, [UP, RIGHT])
    assert rewards == [2]
    assert wins == [True]


@pytest.mark.parametrize(("name", "post"), [("navigation", (0, 1)), ("shooting", (1, 2))])
def test_first_by_index_takes_when_two_arrive_at_once(name, post):
    task = grid_task(name, 3, targets=[post, (5, 5), (6, 6)])
    (first, second), rewards, _ = play(task, [STAY, UP, UP], [UP, STAY, RIGHT])
    assert first.frozen.tolist() == [False, True, False]
    assert first.held.tolist() == [True, False, False]
    assert second.frozen.tolist() == [False, True, False]
    assert second.position.tolist() == [list(post), list(post), [post[0] + 1, post[1]]]
    assert rewards == ([1, 0] if name == "navigation" else [0, 0])


def test_only_one_of_hundreds_takes_a_landmark():
    task = grid_task("navigation", 300, targets=[(x, y) for x in range(20) for y in range(1, 16)])
    (state,), (reward,), _ = play(task, [UP] * 300)
    assert np.flatnonzero(state.frozen).tolist() == [0]
    assert reward == 1


def test_unlock_opens_only_the_own_lock():
    task = grid_task("unlock", 2, grid=4, targets=[(0, 1), (1, 0)])
    states, rewards, wins = play(task, [RIGHT, UP], [LEFT, DOWN], [UP, RIGHT])
    assert not states[0].frozen.any()
    assert rewards == [0, 0, 2]
    assert wins == [False, False, True]


def test_shoot_only_above_y_5():
    task = grid_task("shooting", 1, targets=[(9, 9)])
    states, rewards, _ = play(task, *[[a] for a in (SHOOT, UP, UP, UP, UP, SHOOT, UP, SHOOT, SHOOT)])
    assert [int(s.bullets) for s in states] == [0, 0, 0, 0, 0, 0, 0, 1, 2]
    assert [bool(available_actions(task, s)[0, SHOOT]) for s in states] == [False] * 6 + [True] * 3
    assert states[-1].position.tolist() == [[1, 6]]
    assert not any(rewards)


def test_shooting_needs_more_than_50_bullets_and_every_post():
    task = grid_task("shooting", 1, horizon=100, targets=[(1, 7)])
    states, rewards, wins = play(task, *[[UP]] * 6, *[[SHOOT]] * 52)
    assert states[5].frozen.tolist() == [True]
    assert available_actions(task, states[5])[0].tolist() == [True, False, False, False, False, True]
    assert wins.index(True) == 6 + 50
    assert int(states[wins.index(True)].bullets) == 51
    assert rewards[: 6 + 51] == [0] * (6 + 50) + [1]
    off_post = grid_task("shooting", 1, horizon=100, targets=[(1, 9)])
    states, rewards, wins = play(off_post, *[[UP]] * 5, *[[SHOOT]] * 60, *[[UP]] * 3)
    assert int(states[-1].bullets) == 60
    assert wins == [False] * 67 + [True]


def test_shots_of_one_step_add_up():
    task = grid_task("shooting", 3)
    states, _, _ = play(task, *[[UP] * 3] * 5, [SHOOT, SHOOT, STAY])
    assert int(states[-1].bullets) == 2


@pytest.mark.parametrize("name", NAMES)
def test_leading_axes_are_free(name):
    task = grid_task(name, 3)
    targets = np.broadcast_to(np.array(task.targets, dtype=np.int32), (2, 4, 3, 2))
    state, rng = start_state(task, targets), np.random.default_rng(0)
    singles = [start_state(task, targets[0, 0]) for _ in range(8)]
    for _ in range(20):
        actions = rng.integers(0, task.num_actions, (2, 4, 3))
        state, reward, success = advance(task, state, actions, np.array(MOVES, dtype=np.int32))
        for k in range(8):
            (singles[k],), (r,), (s,) = play(task, actions.reshape(8, 3)[k], state=singles[k])
            assert (r, s) == (reward.reshape(8)[k], success.reshape(8)[k])
            for whole, part in ((observe(task, state), observe(task, singles[k])),
                                (global_state(task, state), global_state(task, singles[k])),
                                (available_actions(task, state), available_actions(task, singles[k]))):  # fmt: skip
                np.testing.assert_array_equal(whole.reshape(8, *part.shape)[k], part)
