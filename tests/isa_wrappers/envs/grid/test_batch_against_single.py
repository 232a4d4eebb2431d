"""The batched form equals the single one step by step, and torch NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from grid_play import NAMES, actions_on, assert_same, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_wrappers.arrays import to_numpy
from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.rules import available_actions, grid_task, observe, start_state

torch = pytest.importorskip("torch")


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
