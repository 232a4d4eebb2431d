"""The dials: their rules by hand, both forms alike, NumPy and torch, saved states, and a scope that overlap tells."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scope_truth
from grid_play import drawn, numbers, play
from hypothesis import given, settings
from hypothesis import strategies as st
from pettingzoo.test import parallel_api_test, parallel_seed_test

from isa_wrappers import ScopeConfig
from isa_wrappers.arrays import backend, to_numpy
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.envs import available_tasks, estimate_task_scope, make_batch, make_parallel, true_task_scope
from isa_wrappers.envs.grid.dials_batch import DialsBatch
from isa_wrappers.envs.grid.dials_parallel import DialsParallelEnv
from isa_wrappers.envs.grid.dials_render import dials_text
from isa_wrappers.envs.grid.dials_rules import dials_task
from isa_wrappers.errors import InvalidValueError

STAY = 0


def down(dial):
    return 1 + 2 * dial


def up(dial):
    return 2 + 2 * dial


def test_turns_add_up_and_dials_have_ends(device):
    env = DialsBatch(dials_task(positions=3), 1, device)
    env.reset(0)
    assert numbers(play(env, (up(0), up(0))))["state"][0].tolist() == [2, 0, 0, 0], "two turns at once"
    assert numbers(play(env, (up(0), up(1))))["state"][0].tolist() == [2, 1, 0, 0], "past the end"
    assert numbers(play(env, (down(1), up(1))))["state"][0].tolist() == [2, 1, 0, 0]
    assert numbers(play(env, (down(2), up(2))))["state"][0].tolist() == [2, 1, 0, 0], "each one held by itself"
    play(env, (up(0), down(0)))
    assert numbers(play(env, (STAY, down(0))))["state"][0].tolist() == [0, 1, 0, 0], "what is past an end does nothing"


def test_a_dial_of_ones_own_is_nobody_elses(device):
    env = DialsBatch(dials_task(), 1, device)
    step = numbers(env.reset(0))
    assert [row.nonzero()[0].tolist() for row in step["available"][0]] == [
        [STAY, up(0), up(1), up(2)],
        [STAY, up(0), up(1), up(3)],
    ]
    assert env.action_names[:3] == ("stay", "dial_0.down", "dial_0.up")
    assert numbers(play(env, (up(3), up(2))))["state"][0].tolist() == [0, 0, 0, 0]
    assert numbers(play(env, (up(2), up(3))))["state"][0].tolist() == [0, 0, 1, 1]


def test_all_dials_right_is_success(device):
    env = DialsBatch(dials_task(), 1, device)
    env.reset(0)
    assert env.task.targets == (1, 2, 3, 4)
    step = numbers(play(env, (up(0), up(1)), (up(1), up(3)), *[(up(2), up(3))] * 2))
    assert not step["success"][0]
    assert step["reward"].tolist() == [[0.0, 0.0]]
    step = numbers(play(env, (up(2), up(3))))
    assert step["success"][0]
    assert step["terminated"][0]
    assert step["reward"].tolist() == [[1.0, 1.0]]
    assert step["final_state"][0].tolist() == [1, 2, 3, 4]
    assert step["state"][0].tolist() == [0, 0, 0, 0], "the next episode has begun"
    assert step["obs"][0].tolist() == [[0, 0, 0, 0]] * 2


def test_the_horizon_truncates(device):
    env = DialsBatch(dials_task(horizon=2), 1, device)
    env.reset(0)
    assert not play(env, (STAY, up(1))).truncated[0]
    step = numbers(play(env, (STAY, up(1))))
    assert step["truncated"][0]
    assert not step["terminated"][0]
    assert (step["final_state"][0, 1], step["state"][0, 1]) == (2, 0)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.integers(1, 3), st.floats(0, 1), st.integers(3, 6), st.integers(2, 4), st.integers(0, 10**6))
def test_the_batch_agrees_with_the_single_form(num_agents, overlap, dials, positions, seed):
    rng = np.random.default_rng(seed)
    batch = DialsBatch(dials_task(num_agents, overlap, dials, positions, 25), 1)
    env = DialsParallelEnv(num_agents, overlap, dials, positions, 25)
    step = numbers(batch.reset(seed))
    env.reset(seed=seed)
    for _ in range(60):
        joint = drawn(rng, step["available"][0])
        step = numbers(batch.step(joint[None]))
        observed, reward, terminated, truncated, infos = env.step(dict(zip(env.possible_agents, joint, strict=True)))
        np.testing.assert_array_equal(step["final_state"][0], env.state())
        first = env.possible_agents[0]
        np.testing.assert_array_equal(step["final_obs"][0, 0], observed[first]["observation"])
        told = (reward[first], terminated[first], truncated[first], infos[first]["success"])
        assert told == (step["reward"][0, 0], step["terminated"][0], step["truncated"][0], step["success"][0])
        if not env.agents:
            observed, _ = env.reset()
        for i, agent in enumerate(env.possible_agents):
            np.testing.assert_array_equal(step["available"][0, i], observed[agent]["action_mask"])


def test_torch_equals_numpy():
    torch = pytest.importorskip("torch")
    task = dials_task(dials=3, positions=2, horizon=9)
    plain, other = DialsBatch(task, 4), DialsBatch(task, 4, "cpu")
    rng, wins = np.random.default_rng(0), 0
    seen = plain.reset(0).available
    other.reset(0)
    for _ in range(70):
        joint = drawn(rng, seen)
        one, two = plain.step(joint), other.step(torch.from_numpy(joint))
        seen, wins = one.available, wins + int(one.success.sum())
        for name, mine in numbers(one).items():
            theirs = getattr(two, name)
            assert str(theirs.dtype) == f"torch.{mine.dtype}", name
            np.testing.assert_array_equal(mine, to_numpy(theirs), err_msg=name)
    assert wins


def test_saved_state_resumes_exactly(device):
    env, rng = DialsBatch(dials_task(horizon=25), 3, device), np.random.default_rng(1)
    joints = [backend(device).asarray(rng.integers(0, 9, (3, 2)), device=device) for _ in range(60)]
    env.reset(5)
    for joint in joints[:23]:
        last = env.step(joint)
    state = env.state_dict()
    wanted = [numbers(env.step(joint)) for joint in joints[23:]]
    other = DialsBatch(dials_task(horizon=25), 3, device, seed=99)
    np.testing.assert_array_equal(to_numpy(other.load_state_dict(state).obs), to_numpy(last.obs))
    for joint, expected in zip(joints[23:], wanted, strict=True):
        for name, value in numbers(other.step(joint)).items():
            np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_it_is_a_task_like_any_other():
    assert "grid/dials" in available_tasks()
    assert isinstance(make_batch("grid/dials", 2), BatchEnv)
    assert make_batch("grid/dials", 2, dials=3).state_names == ("dial_0", "dial_1", "dial_2")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(make_parallel("grid/dials"), num_cycles=130)
        parallel_seed_test(DialsParallelEnv, num_cycles=130)


@pytest.mark.parametrize(
    ("overlap", "common", "special"),
    [
        (0.0, [], [[0, 1], [2, 3]]),
        (0.25, [0], [[1, 2], [3]]),
        (0.5, [0, 1], [[2], [3]]),
        (0.75, [0, 1, 2], [[3], []]),
        (1.0, [0, 1, 2, 3], [[], []]),
    ],
)
def test_overlap_tells_the_scope_and_few_transitions_find_it(overlap, common, special):
    truth = true_task_scope("grid/dials", overlap=overlap)
    assert (truth.common_dims, truth.special_dims) == (common, special)
    scope = estimate_task_scope("grid/dials", ScopeConfig(1_000), overlap=overlap)
    assert scope_truth.misses(scope, truth.action_dims.values()) == (0, 0, 0, 0, 0, 0)


def test_pictures_show_dials_targets_and_goal():
    env, one = DialsBatch(dials_task(), 1), DialsParallelEnv(render_mode="rgb_array")
    env.reset(0), one.reset(seed=0)
    first = one.render()
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(env.render(), first)
    play(env, (up(2), STAY))
    turned = env.render()
    assert (np.abs(turned.astype(int) - first).max(axis=(0, 2)) > 0).nonzero()[0] // 24 == pytest.approx(2)
    assert (turned != env.render(goal=np.array([np.nan, np.nan, 3, np.nan]))).any()
    np.testing.assert_array_equal(turned, env.render(goal=np.full(4, np.nan)))
    with pytest.raises(InvalidValueError, match=r"goal must have shape \(4,\), got \(2,\)"):
        env.render(goal=np.zeros(2))
    text = DialsParallelEnv(dials=2, positions=2, overlap=0.5, render_mode="ansi")
    text.reset(seed=0)
    text.step({"agent_0": up(1), "agent_1": STAY})
    assert text.render() == dials_text(text.task, text.dials_state)
    assert text.render() == "x @\no .\n* 0\ndials: step 1 of 60, right 1 of 2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_agents": 0}, "num_agents must be"),
        ({"overlap": 1.5}, "overlap must be"),
        ({"dials": 1}, "dials must be at least 2, one per agent, got 1"),
        ({"positions": 1}, "positions must be"),
        ({"horizon": 0}, "horizon must be"),
        ({"render_mode": "human"}, "render_mode"),
        ({"grid": 5}, "does not accept these options"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InvalidValueError, match=message):
        make_parallel("grid/dials", **options)
    with pytest.raises(InvalidValueError, match="no state before its first episode"):
        DialsParallelEnv().state()
