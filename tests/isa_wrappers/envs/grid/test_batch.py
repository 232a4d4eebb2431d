"""The batched form: ends of episodes, resumable, what it returns stays, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from grid_play import NAMES, actions_on, assert_same, numbers

from isa_wrappers.arrays import to_numpy
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.rules import global_state, grid_task
from isa_wrappers.errors import DeviceError, InvalidValueError

torch = pytest.importorskip("torch")


def test_final_state_is_seen_before_the_reset(device):
    env = GridBatch(grid_task("unlock", 1, grid=4, horizon=3, targets=[(0, 2)]), 2, device)
    env.reset()
    env.step(actions_on(env, [[2], [4]]))
    step = numbers(env.step(actions_on(env, [[2], [4]])))
    assert step["terminated"].tolist() == step["success"].tolist() == [True, False]
    assert step["truncated"].tolist() == [False, False]
    assert step["reward"].tolist() == [[1], [0]]
    assert step["final_state"].tolist() == [[0, 2, 0, 2], [2, 0, 0, 2]]
    assert step["state"].tolist() == [[0, 0, 0, 2], [2, 0, 0, 2]]
    assert step["final_obs"][0].tolist() == [[0, 2, 0, 2]]
    assert step["obs"][0].tolist() == [[0, 0, 0, 2]]
    assert step["available"][0].tolist() == [[True, False, True, False, True]]
    step = numbers(env.step(actions_on(env, [[2], [4]])))
    assert step["truncated"].tolist() == [False, True]
    assert not step["terminated"].any()
    assert step["final_state"][1].tolist() == [3, 0, 0, 2]
    assert step["state"].tolist() == [[0, 1, 0, 2], [0, 0, 0, 2]]


def test_win_at_the_horizon_is_no_truncation(device):
    env = GridBatch(grid_task("unlock", 1, horizon=1, targets=[(0, 1)]), 1, device)
    step = env.step(actions_on(env, [[2]]))
    assert bool(step.terminated[0])
    assert not bool(step.truncated[0])


@pytest.mark.parametrize("targets", ["listed", "random"])
@pytest.mark.parametrize("name", NAMES)
def test_saved_state_resumes_exactly(device, name, targets):
    task = grid_task(name, horizon=12, targets=targets)
    env, rng = GridBatch(task, 3, device, seed=1), np.random.default_rng(1)
    joints = [actions_on(env, rng.integers(0, task.num_actions, (3, task.num_agents))) for _ in range(50)]
    env.reset(5)
    for joint in joints[:17]:
        last = env.step(joint)
    saved = env.state_dict()
    frozen_copy = {name: to_numpy(value).copy() for name, value in saved.items()}
    uninterrupted = [env.step(joint) for joint in joints[17:]]
    other = GridBatch(task, 3, device, seed=99)
    resumed = other.load_state_dict(saved)
    for field in ("obs", "state", "available", "alive"):
        np.testing.assert_array_equal(to_numpy(getattr(resumed, field)), to_numpy(getattr(last, field)))
    for joint, expected in zip(joints[17:], uninterrupted, strict=True):
        assert_same(other.step(joint), expected)
    for key, value in saved.items():
        np.testing.assert_array_equal(to_numpy(value), frozen_copy[key], err_msg=key)


def test_steps_stay_as_they_were_returned(device):
    env = GridBatch(grid_task("navigation", 2, grid=15, horizon=5, targets="random"), 4, device)
    rng, kept = np.random.default_rng(0), []
    for _ in range(12):
        step = env.step(actions_on(env, rng.integers(0, 5, (4, 2))))
        kept.append((step, {name: value.copy() for name, value in numbers(step).items()}))
    for step, copies in kept:
        for name, value in numbers(step).items():
            np.testing.assert_array_equal(value, copies[name], err_msg=name)


def test_it_is_a_batch_env():
    env = GridBatch(grid_task("shooting"), 2)
    assert isinstance(env, BatchEnv)
    assert env.num_actions == (6, 6, 6)
    assert env.action_names == ("stay", "down", "up", "left", "right", "shoot")
    step = env.reset()
    assert (step.obs.shape, step.state.shape, step.available.shape) == ((2, 3, 3), (2, 7), (2, 3, 6))
    np.testing.assert_array_equal(global_state(env.task, env._state), step.state)


@pytest.mark.parametrize("num_envs", [0, -1, 2.0, "3", True])
def test_bad_number_of_copies(num_envs):
    with pytest.raises(InvalidValueError, match="num_envs must be an integer at least 1"):
        GridBatch(grid_task("unlock"), num_envs)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_absent_device():
    with pytest.raises(DeviceError, match="'cuda'"):
        GridBatch(grid_task("unlock"), 1, "cuda")


def test_a_restored_state_is_what_is_drawn():
    played, restored = (GridBatch(grid_task("navigation"), 2) for _ in range(2))
    for env in (played, restored):
        env.reset(seed=0)
    for _ in range(3):
        played.step(np.full((2, 7), 2))
    restored.load_state_dict(played.state_dict())
    np.testing.assert_array_equal(restored.render(1), played.render(1))


def test_a_state_of_other_copies_is_refused():
    two, four = (GridBatch(grid_task("unlock"), copies) for copies in (2, 4))
    for env in (two, four):
        env.reset(seed=0)
    with pytest.raises(InvalidValueError, match="the saved state contains 2 environments, but num_envs is 4"):
        four.load_state_dict(two.state_dict())
