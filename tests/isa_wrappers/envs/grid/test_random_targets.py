"""Random targets: distinct, even, other ones each episode, the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from grid_play import NAMES, actions_on, assert_same, numbers

from isa_wrappers.arrays import to_numpy
from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.rules import grid_task


@pytest.mark.slow
def test_random_targets_come_from_the_seed():
    env = GridParallelEnv("navigation", 4, grid=5, targets="random")

    def drawn(**reset):
        env.reset(**reset)
        return [tuple(place) for place in env.grid_state.targets.tolist()]

    assert drawn(seed=1) == drawn(seed=1)
    assert drawn(seed=np.int64(2)) == drawn(seed=2)
    assert len({tuple(drawn()) for _ in range(20)}) > 15
    layouts = [drawn() for _ in range(1500)]
    counts = np.zeros((5, 5))
    for places in layouts:
        assert len(set(places)) == 4
        for place in places:
            counts[place] += 1
    assert counts[0, 0] == 0
    # 250 are expected of each other cell.
    assert counts.ravel()[1:].min() > 180
    assert counts.max() < 320


@pytest.mark.parametrize("name", NAMES)
def test_random_targets_are_distinct_reproducible_and_even(device, name):
    side, agents, copies = 7, 4, 4000
    task = grid_task(name, agents, side, targets="random")
    env = GridBatch(task, copies, device)
    env.reset(seed=11)
    targets = to_numpy(env._state.targets)
    cells = targets[..., 0] * side + targets[..., 1]
    assert targets.min() == 0
    assert targets.max() == side - 1
    assert all(len(set(row)) == agents for row in cells.tolist())
    start_cell = task.start[0] * side + task.start[1]
    for slot in range(agents):
        counts = np.bincount(cells[:, slot], minlength=side * side)
        assert counts[start_cell] == 0
        expected = copies / (side * side - 1)
        # Chi-square with 47 degrees of freedom exceeds 100 once in 100,000 seeds.
        assert ((np.delete(counts, start_cell) - expected) ** 2 / expected).sum() < 100
    env.reset()
    assert not np.array_equal(to_numpy(env._state.targets), targets)
    env.reset(seed=11)
    np.testing.assert_array_equal(to_numpy(env._state.targets), targets)
    env.reset(seed=12)
    assert not np.array_equal(to_numpy(env._state.targets), targets)
    twins = [GridBatch(task, copies, device, seed=4).reset() for _ in range(2)]
    assert_same(*twins)


def test_random_targets_change_with_each_episode(device):
    env = GridBatch(grid_task("navigation", 3, horizon=2, targets="random"), 5, device)
    env.reset(seed=0)
    first = to_numpy(env._state.targets).copy()
    stay = actions_on(env, np.zeros((5, 3), dtype=np.int64))
    env.step(stay)
    np.testing.assert_array_equal(to_numpy(env._state.targets), first)
    step = numbers(env.step(stay))
    assert step["truncated"].all()
    np.testing.assert_array_equal(step["final_state"][:, 6:], first.reshape(5, -1))
    assert not np.array_equal(step["state"][:, 6:], first.reshape(5, -1))
    np.testing.assert_array_equal(step["obs"][:, 0, 2:], step["state"][:, 6:])
