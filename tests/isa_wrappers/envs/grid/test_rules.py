"""The rules, against hand-written scenarios and a naive second reading of the paper's table."""

from __future__ import annotations

import numpy as np
import pytest
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
from isa_wrappers.errors import InvalidValueError

STAY, DOWN, UP, LEFT, RIGHT, SHOOT = range(6)
NAMES = ("navigation", "unlock", "shooting")
LIST = [
    (12, 5), (12, 14), (13, 5), (6, 1), (11, 13), (12, 8), (2, 6), (11, 6),
    (2, 8), (10, 13), (9, 11), (3, 4), (3, 3), (5, 3), (10, 2), (9, 4),
]  # fmt: skip


class Oracle:
    """The rules once more, agent by agent in plain Python."""

    def __init__(self, name, agents, side, targets):
        self.name, self.agents, self.side, self.targets = name, agents, side, targets
        start = (1, 1) if name == "shooting" else (0, 0)
        self.place = [start] * agents
        self.holder = {}  # target -> the agent that holds it
        self.bullets = 0

    def allowed(self, i):
        x, y = self.place[i]
        if i in self.holder.values():
            moves = []
        else:
            reach = {DOWN: (x, y - 1), UP: (x, y + 1), LEFT: (x - 1, y), RIGHT: (x + 1, y)}
            moves = [a for a, (u, v) in reach.items() if 0 <= u < self.side and 0 <= v < self.side]
        return [STAY, *moves] + ([SHOOT] if self.name == "shooting" and y > 5 else [])

    def step(self, actions):
        taken = 0
        for i, action in enumerate(actions):
            if action not in self.allowed(i):
                action = STAY
            x, y = self.place[i]
            if action == SHOOT:
                self.bullets += 1
            elif action != STAY:
                dx, dy = {DOWN: (0, -1), UP: (0, 1), LEFT: (-1, 0), RIGHT: (1, 0)}[action]
                self.place[i] = (x + dx, y + dy)
            if i in self.holder.values():
                continue
            for t, target in enumerate(self.targets):
                if self.place[i] == target and t not in self.holder and (self.name != "unlock" or t == i):
                    self.holder[t] = i
                    taken += 1
        success = len(self.holder) == self.agents
        if self.name == "shooting":
            success = success and self.bullets > 50
            return float(success), success
        return float(taken), success

    def observation(self, i):
        if self.name == "shooting":
            return [*self.place[i], self.bullets]
        seen = [self.targets[i]] if self.name == "unlock" else self.targets
        return [c for place in [self.place[i], *seen] for c in place]

    def state(self):
        places = [c for place in self.place for c in place]
        return places + ([self.bullets] if self.name == "shooting" else [c for t in self.targets for c in t])


def play(task, *joint_actions, state=None):
    """Return the states after each joint action, the rewards and the successes."""
    state = start_state(task, np.array(task.targets, dtype=np.int32)) if state is None else state
    states, rewards, wins = [], [], []
    for actions in joint_actions:
        state, reward, success = advance(task, state, np.array(actions), np.array(MOVES, dtype=np.int32))
        states.append(state)
        rewards.append(float(reward))
        wins.append(bool(success))
    return states, rewards, wins


def draw_task(name, agents, side, rng, horizon=60):
    side = max(side, 7) if name == "shooting" else side
    start = (1, 1) if name == "shooting" else (0, 0)
    cells = [(x, y) for x in range(side) for y in range(side) if (x, y) != start]
    chosen = [cells[k] for k in rng.permutation(len(cells))[:agents]]
    return grid_task(name, agents, side, horizon, chosen)


def compare_with_oracle(task, rng, steps, shoot_often):
    """Play at random, legal or not, and compare all that can be seen; return how often a target was taken and a win."""
    oracle = Oracle(task.name, task.num_agents, task.grid, list(task.targets))
    state = start_state(task, np.array(task.targets, dtype=np.int32))
    won = False
    for _ in range(steps):
        mask = available_actions(task, state)
        for i in range(task.num_agents):
            assert np.flatnonzero(mask[i]).tolist() == oracle.allowed(i)
            assert observe(task, state)[i].tolist() == oracle.observation(i)
        assert global_state(task, state).tolist() == oracle.state()
        actions = rng.integers(0, task.num_actions, task.num_agents)
        if task.shoots and shoot_often:
            actions = np.where(rng.random(task.num_agents) < 0.5, SHOOT, actions)
        (state,), (reward,), (success,) = play(task, actions, state=state)
        assert (reward, success) == oracle.step(actions.tolist())
        assert np.flatnonzero(state.held).tolist() == sorted(oracle.holder)
        assert np.flatnonzero(state.frozen).tolist() == sorted(oracle.holder.values())
        won = won or success
        if success:
            break
    return len(oracle.holder), won


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


@pytest.mark.parametrize(
    ("name", "agents", "grid", "start", "targets", "actions", "obs_size", "state_size"),
    [
        ("navigation", 7, 20, (0, 0), LIST[:7], 5, 16, 28),
        ("unlock", 7, 20, (0, 0), LIST[:7], 5, 4, 28),
        ("shooting", 3, 10, (1, 1), [(5, 7), (3, 7), (7, 7)], 6, 3, 7),
    ],
)
def test_defaults_are_the_papers(name, agents, grid, start, targets, actions, obs_size, state_size):
    task = grid_task(name)
    assert (task.num_agents, task.grid, task.start, list(task.targets)) == (agents, grid, start, targets)
    assert (task.horizon, task.num_actions, task.obs_size, task.state_size) == (60, actions, obs_size, state_size)
    assert len(task.state_names) == state_size
    assert task.state_names[:2] == ("agent_0.x", "agent_0.y")


def test_all_listed_targets():
    assert list(grid_task("navigation", 16).targets) == LIST
    assert grid_task("shooting", 5).targets == ((5, 7), (3, 7), (7, 7), (1, 7), (9, 7))


@pytest.mark.parametrize("name", ["navigation", "unlock"])
def test_the_list_goes_on_for_larger_teams(name):
    """Every cell but the start's can be a target; a smaller team's are the first of a larger one's."""
    assert set(grid_task(name, 399).targets) == {(x, y) for x in range(20) for y in range(20)} - {(0, 0)}
    hundred = grid_task(name, 100).targets
    assert list(hundred[:16]) == LIST
    assert grid_task(name, 17).targets == hundred[:17]
    rows, columns = (sorted(place[axis] // 5 for place in hundred[16:]) for axis in (0, 1))
    for quarter in (rows, columns):
        assert min(quarter.count(part) for part in range(4)) >= 15, "evenly over the board"


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "navigatoin"}, "did you mean 'navigation'"),
        ({"num_agents": 0}, "num_agents must be a whole number at least 1, got 0"),
        ({"num_agents": 2.5}, "num_agents must be a whole number"),
        ({"num_agents": 400}, "a grid of 20 has no room for 400 targets"),
        ({"name": "shooting", "num_agents": 6}, "at most 5 with listed targets"),
        ({"name": "shooting", "grid": 6}, "grid must be a whole number at least 7, got 6"),
        ({"grid": 1}, "grid must be a whole number at least 2, got 1"),
        ({"grid": 10}, r"target \(12, 5\) lies outside the grid of 10 x 10"),
        ({"horizon": 0}, "horizon must be a whole number at least 1, got 0"),
        ({"targets": "rand"}, "targets must be one of listed, random; got 'rand'"),
        ({"targets": "random", "grid": 2, "num_agents": 4}, "no room for 4 targets"),
        ({"targets": [(1, 1)]}, "targets must be 7 distinct positions"),
        ({"num_agents": 2, "targets": [(1, 1), (1, 1)]}, "distinct"),
        ({"num_agents": 1, "targets": [(0, 0)]}, "none at the start"),
        ({"num_agents": 1, "targets": [(0, -1)]}, r"target \(0, -1\) lies outside"),
        ({"num_agents": 1, "targets": [(0, 1.5)]}, "pairs of whole numbers"),
        ({"num_agents": 1, "targets": [(0, 1, 2)]}, "pairs of whole numbers"),
        ({"num_agents": 1, "targets": [3]}, "pairs of whole numbers"),
        ({"num_agents": 1, "targets": 3}, "pairs of whole numbers"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InvalidValueError, match=message) as caught:
        grid_task(**{"name": "navigation", **options})
    assert "\n" not in str(caught.value)
