"""The batched form: equal to the single one step by step, resumable, reproducible, on NumPy and torch."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_wrappers.arrays import backend, to_numpy
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.rules import available_actions, global_state, grid_task, observe, start_state
from isa_wrappers.errors import DeviceError, InvalidValueError

torch = pytest.importorskip("torch")
NAMES = ("navigation", "unlock", "shooting")


def skip_without(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.fixture(params=[None, "cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def device(request):
    skip_without(request.param)
    return request.param


def actions_on(env, actions):
    return backend(env.device).asarray(actions, device=env.device)


def numbers(step):
    assert step.discarded is None, "no episode is ever lost"
    assert step.cut is None, "nobody is truncated alone"
    told = {field.name: getattr(step, field.name) for field in fields(BatchStep)}
    return {name: to_numpy(value) for name, value in told.items() if value is not None}


def assert_same(one, other):
    for name, value in numbers(one).items():
        np.testing.assert_array_equal(value, numbers(other)[name], err_msg=name)


def with_targets(env, targets):
    """Reset a single environment and give it these targets."""
    env.reset()
    env._current = start_state(env.task, targets)


def seen(env):
    """What a single environment shows now, in the batch's shapes."""
    return {
        "obs": observe(env.task, env.grid_state),
        "state": env.state(),
        "available": available_actions(env.task, env.grid_state),
    }


def step_singles(envs, joint, targets_after):
    """Step single environments, resetting the finished; return rows in the words of ``BatchStep``."""
    rows = []
    for b, env in enumerate(envs):
        team = env.possible_agents
        obs, reward, terminated, truncated, infos = env.step(dict(zip(team, joint[b].tolist(), strict=True)))
        row = {
            "reward": [reward[agent] for agent in team],
            "final_obs": np.stack([obs[agent]["observation"] for agent in team]),
            "final_state": env.state(),
        }
        for name, value in (("terminated", terminated), ("truncated", truncated)):
            assert len(set(value.values())) == 1
            row[name] = value[team[0]]
        row["success"] = infos[team[0]]["success"]
        assert env.agents == ([] if row["terminated"] or row["truncated"] else team)
        if not env.agents:
            with_targets(env, targets_after[b])
        rows.append({**row, **seen(env)})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def compare_with_singles(device, options, num_envs, seed, steps):
    """Compare over random play, legal or not; return how many episodes were won and cut off."""
    batch = GridBatch(grid_task(**options), num_envs, device, seed=seed)
    rng = np.random.default_rng(seed)
    step = batch.reset()
    envs = [GridParallelEnv(**options) for _ in range(num_envs)]
    for b, env in enumerate(envs):
        with_targets(env, to_numpy(batch._state.targets)[b])
        for name, value in seen(env).items():
            np.testing.assert_array_equal(to_numpy(getattr(step, name))[b], value, err_msg=name)
    assert_same(step, replace(step, final_obs=step.obs, final_state=step.state, final_alive=step.alive))
    won = cut = 0
    for _ in range(steps):
        joint = rng.integers(0, batch.task.num_actions, (num_envs, batch.task.num_agents))
        if batch.task.shoots:
            joint = np.where(rng.random(joint.shape) < 0.4, rng.choice([2, 5], joint.shape), joint)
        step = batch.step(actions_on(batch, joint))
        found = numbers(step)
        for name, value in step_singles(envs, joint, to_numpy(batch._state.targets)).items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
        assert found["alive"].all()
        assert found["final_alive"].all()
        won, cut = won + found["success"].sum(), cut + found["truncated"].sum()
    return won, cut


options_of = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "num_agents": st.integers(1, 4),
        "grid": st.integers(15, 16),
        "horizon": st.integers(1, 30),
    }
)


@pytest.mark.slow
@pytest.mark.parametrize("targets", ["listed", "random"])
@pytest.mark.parametrize("device", [None, "cpu"])
@settings(max_examples=12, deadline=None)
@given(options_of, st.integers(1, 4), st.integers(0, 2**31))
def test_batch_agrees_with_single(device, targets, options, num_envs, seed):
    if targets == "random":
        options = {**options, "grid": options["grid"] - 8}
    compare_with_singles(device, {**options, "targets": targets}, num_envs, seed, steps=35)


@pytest.mark.slow
@pytest.mark.parametrize("targets", ["fixed", "random"])
@pytest.mark.parametrize("name", NAMES)
def test_comparison_reaches_wins_and_horizons(device, name, targets):
    options = {"name": name, "num_agents": 2, "grid": 3, "horizon": 25, "targets": [(2, 2), (1, 2)]}
    if name == "shooting":
        options |= {"grid": 8, "horizon": 180, "targets": [(1, 7), (1, 6)]}
    if targets == "random":
        options["targets"] = "random"
    won, cut = compare_with_singles(device, options, num_envs=8, seed=3, steps=420 if name == "shooting" else 150)
    # Random posts are seldom all found in time: not with every generator.
    assert won >= 1 or (name, targets) == ("shooting", "random")
    assert cut >= 1


@pytest.mark.slow
def test_torch_equals_numpy():
    for name in NAMES:
        task = grid_task(name)
        plain, other = GridBatch(task, 6), GridBatch(task, 6, "cpu")
        assert_same(plain.reset(0), other.reset(0))
        rng = np.random.default_rng(0)
        for _ in range(70):
            joint = rng.integers(0, task.num_actions, (6, task.num_agents))
            one, two = plain.step(joint), other.step(torch.from_numpy(joint))
            assert_same(one, two)
            for name, mine in numbers(one).items():
                assert str(getattr(two, name).dtype) == f"torch.{mine.dtype}", name


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
    with pytest.raises(InvalidValueError, match="num_envs must be a whole number at least 1"):
        GridBatch(grid_task("unlock"), num_envs)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_absent_device():
    with pytest.raises(DeviceError, match="'cuda'"):
        GridBatch(grid_task("unlock"), 1, "cuda")
