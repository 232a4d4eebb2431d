"""The locked room: its rules by hand, both forms alike, NumPy and torch, saved states, and what random play misses."""

from __future__ import annotations

import warnings
from dataclasses import fields

import numpy as np
import pytest
from grid_play import numbers, play
from hypothesis import given, settings
from hypothesis import strategies as st
from pettingzoo.test import parallel_api_test, parallel_seed_test

from isa_wrappers import ScopeConfig
from isa_wrappers.arrays import backend, to_numpy
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.envs import available_tasks, estimate_task_scope, make_batch, make_parallel
from isa_wrappers.envs.grid.room_batch import RoomBatch
from isa_wrappers.envs.grid.room_parallel import RoomParallelEnv
from isa_wrappers.envs.grid.room_render import draw_room, room_text
from isa_wrappers.envs.grid.room_rules import DUSK, NOTCHES, PUSH, VAULT, locked_room
from isa_wrappers.errors import InvalidValueError

STAY, DOWN, UP, LEFT, RIGHT = range(5)
GATE = 4


def in_the_room(device=None):
    """Both 15 steps to the right: in the first cell of the room."""
    env = RoomBatch(locked_room(), 1, device)
    env.reset(0)
    return env, play(env, *[(RIGHT, RIGHT)] * 15)


def test_who_does_not_walk_on_slides_back(device):
    env = RoomBatch(locked_room(push_anywhere=True), 1, device)
    env.reset(0)
    play(env, *[(RIGHT, RIGHT)] * 9)
    for x, joint in ((8, (STAY, RIGHT)), (7, (PUSH, STAY)), (6, (LEFT, PUSH)), (5, (UP, DOWN))):
        assert numbers(play(env, joint))["state"][0, 0] == x
    assert numbers(play(env, *[(STAY, LEFT)] * 7))["state"][0, :4].tolist() == [0, 1, 0, 1]
    _, step = in_the_room(device)
    assert numbers(step)["state"][0, 0] == 15, "the room is level"


def test_fifteen_right_steps_lead_into_the_room_and_walls_hold(device):
    env = RoomBatch(locked_room(), 1, device)
    step = numbers(env.reset(0))
    assert step["available"][0].tolist() == [[True, False, False, False, True, False]] * 2
    for joint in ((LEFT, UP), (DOWN, STAY)):
        assert numbers(play(env, joint))["state"][0, :4].tolist() == [0, 1, 0, 1]
    for x in range(1, 15):
        step = numbers(play(env, (RIGHT, STAY)))
        assert step["state"][0, :4].tolist() == [x, 1, 0, 1]
        assert step["available"][0, 0].tolist() == [True, False, False, True, True, False]
    step = numbers(play(env, (RIGHT, STAY)))
    assert step["state"][0, :2].tolist() == [15, 1]
    assert step["available"][0, 0].tolist() == [True, True, True, True, True, True]
    assert numbers(play(env, (UP, STAY)))["available"][0, 0].tolist() == [True, True, False, False, True, True]


@pytest.mark.parametrize("anywhere", [False, True])
def test_who_may_push_where(anywhere):
    env = RoomBatch(locked_room(push_anywhere=anywhere), 1)
    step = env.reset(0)
    assert step.available[0, :, PUSH].tolist() == [anywhere] * 2
    step = play(env, *[(RIGHT, STAY)] * 15)
    assert step.available[0, :, PUSH].tolist() == [True, anywhere]
    assert play(env, (PUSH, PUSH)).state[0, GATE] == 1, "in the corridor it does nothing, allowed or not"


def test_pushes_in_the_room_raise_the_gate_and_no_others(device):
    env, step = in_the_room(device)
    assert numbers(step)["state"][0, GATE] == 0
    assert numbers(play(env, (PUSH, PUSH)))["state"][0, GATE] == 2
    step = numbers(play(env, (LEFT, PUSH)))
    assert step["state"][0, [0, GATE]].tolist() == [14, 3]
    assert step["obs"][0, :, 2].tolist() == [3, 3]
    step = numbers(play(env, (PUSH, STAY)))
    assert step["state"][0, [0, GATE]].tolist() == [13, 2], "pushed in the corridor, it falls"
    assert numbers(play(env, *[(STAY, STAY)] * 3))["state"][0, GATE] == 0


def test_the_gate_opens_at_twenty_and_all_must_pass(device):
    env, _ = in_the_room(device)
    step = numbers(play(env, (RIGHT, STAY), (RIGHT, STAY), *[(PUSH, PUSH)] * 9, (PUSH, STAY)))
    assert step["state"][0, GATE] == NOTCHES - 1
    assert not step["available"][0, 0, RIGHT], "closed"
    step = numbers(play(env, (RIGHT, STAY)))
    assert step["state"][0, [0, GATE]].tolist() == [VAULT - 1, NOTCHES - 2]
    play(env, (PUSH, PUSH), (STAY, STAY))
    step = numbers(play(env, (PUSH, PUSH)))
    assert step["state"][0, GATE] == NOTCHES, "and no further"
    assert step["available"][0, 0, RIGHT]
    step = numbers(play(env, (RIGHT, RIGHT)))
    assert step["state"][0, 0] == VAULT
    assert not step["success"][0]
    step = numbers(play(env, (STAY, RIGHT), (STAY, RIGHT)))
    assert step["success"][0]
    assert step["terminated"][0]
    assert step["reward"].tolist() == [[1.0, 1.0]]
    assert step["final_state"][0, :5].tolist() == [VAULT, 1, VAULT, 1, NOTCHES]
    assert step["state"][0].tolist() == [0, 1, 0, 1, 0, 0], "the next episode has begun"
    assert step["obs"][0].tolist() == [[0, 1, 0, 0]] * 2


def test_the_lamp_flickers_late_by_itself(device):
    env = RoomBatch(locked_room(), 2_000, device)
    env.reset(0)
    lamps = np.stack([numbers(play(env, (STAY, PUSH)))["final_state"][:, -1] for _ in range(DUSK + 3)])
    assert not lamps[:DUSK].any()
    changed = np.diff(lamps[DUSK - 1 :], axis=0) != 0
    assert changed.mean(axis=1) == pytest.approx(0.5, abs=0.06)


def test_the_horizon_truncates(device):
    env = RoomBatch(locked_room(horizon=2), 1, device)
    env.reset(0)
    assert not play(env, (STAY, RIGHT)).truncated[0]
    step = numbers(play(env, (STAY, RIGHT)))
    assert step["truncated"][0]
    assert not step["terminated"][0]
    assert step["final_state"][0, :4].tolist() == [0, 1, 2, 1]
    assert step["state"][0, :4].tolist() == [0, 1, 0, 1]


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.integers(1, 3), st.integers(20, 60), st.integers(0, 10**6))
def test_the_batch_agrees_with_the_single_form(num_agents, horizon, seed):
    """Lamps aside, which flicker from generators of their own."""
    rng = np.random.default_rng(seed)
    batch, env = RoomBatch(locked_room(num_agents, horizon), 1), RoomParallelEnv(num_agents, horizon)
    batch.reset(seed)
    env.reset(seed=seed)
    for _ in range(80):
        joint = rng.choice(6, num_agents, p=[0.05, 0.05, 0.05, 0.05, 0.5, 0.3])
        step = numbers(batch.step(joint[None]))
        observed, reward, terminated, truncated, infos = env.step(dict(zip(env.possible_agents, joint, strict=True)))
        np.testing.assert_array_equal(step["final_state"][0, :-1], env.state()[:-1])
        first = env.possible_agents[0]
        np.testing.assert_array_equal(step["final_obs"][0, 0, :3], observed[first]["observation"][:3])
        told = (reward[first], terminated[first], truncated[first], infos[first]["success"])
        assert told == (step["reward"][0, 0], step["terminated"][0], step["truncated"][0], step["success"][0])
        if not env.agents:
            observed, _ = env.reset()
        np.testing.assert_array_equal(step["available"][0, 0], observed[first]["action_mask"])


def test_torch_equals_numpy():
    torch = pytest.importorskip("torch")
    plain, other = RoomBatch(locked_room(), 4), RoomBatch(locked_room(), 4, "cpu")
    rng = np.random.default_rng(0)
    plain.reset(0), other.reset(0)
    for _ in range(70):
        joint = rng.choice(6, (4, 2), p=[0.05, 0.05, 0.05, 0.05, 0.5, 0.3])
        one, two = plain.step(joint), other.step(torch.from_numpy(joint))
        for name, mine in numbers(one).items():
            theirs = getattr(two, name)
            assert str(theirs.dtype) == f"torch.{mine.dtype}", name
            seen = slice(None, -1 if name.endswith(("obs", "state")) else None)  # the lamp comes last
            np.testing.assert_array_equal(mine[..., seen], to_numpy(theirs)[..., seen], err_msg=name)


def test_saved_state_resumes_exactly(device):
    env, rng = RoomBatch(locked_room(horizon=25), 3, device, seed=1), np.random.default_rng(1)
    joints = [backend(device).asarray(rng.integers(0, 6, (3, 2)), device=device) for _ in range(60)]
    env.reset(5)
    for joint in joints[:23]:
        last = env.step(joint)
    saved = {name: to_numpy(value).copy() for name, value in env.state_dict().items()}
    state = env.state_dict()
    wanted = [numbers(env.step(joint)) for joint in joints[23:]]
    other = RoomBatch(locked_room(horizon=25), 3, device, seed=99)
    np.testing.assert_array_equal(to_numpy(other.load_state_dict(state).obs), to_numpy(last.obs))
    for joint, expected in zip(joints[23:], wanted, strict=True):
        for name, value in numbers(other.step(joint)).items():
            np.testing.assert_array_equal(value, expected[name], err_msg=name)
    for name, value in state.items():
        np.testing.assert_array_equal(to_numpy(value), saved[name], err_msg=name)


def test_it_is_a_task_like_any_other(capsys):
    assert "grid/locked_room" in available_tasks()
    assert isinstance(make_batch("grid/locked_room", 2), BatchEnv)
    assert make_batch("grid/locked_room", 2, num_agents=3).state_names[-2:] == ("gate", "lamp")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(make_parallel("grid/locked_room"), num_cycles=130)
        parallel_seed_test(RoomParallelEnv, num_cycles=130)


@pytest.mark.parametrize("anywhere", [False, True])
def test_random_play_finds_places_alone(anywhere):
    config = ScopeConfig(5_000, estimator="interval_effect")
    scope = estimate_task_scope("grid/locked_room", config, seed=0, push_anywhere=anywhere)
    assert not scope.agent_mask[:, GATE:].any()
    assert scope.special_dims == [[0], [2]]


def test_pictures_show_agents_gate_lamp_and_goal():
    env, _ = in_the_room()
    task, one = env.task, RoomParallelEnv(render_mode="rgb_array")
    one.reset(seed=0)
    closed = one.render()
    assert closed.dtype == np.uint8
    play(env, *[(PUSH, PUSH)] * 10)
    opened = env.render()
    assert opened.shape == closed.shape == env.render(goal=np.zeros(6)).shape
    assert (opened != env.render(goal=np.array([17, 1, np.nan, np.nan, 0, 0]))).any()
    with pytest.raises(InvalidValueError, match=r"goal must have shape \(6,\), got \(2,\)"):
        env.render(goal=np.zeros(2))
    text = room_text(task, one.room_state)
    assert text.count("|") == 1
    state = env._last
    inner = type(state)(*(to_numpy(getattr(state, f.name))[0] for f in fields(state)))
    assert "|" not in room_text(task, inner)
    assert "gate 20 of 20" in room_text(task, inner)
    assert draw_room(task, inner, cell=8).shape[2] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_agents": 0}, "num_agents must be"),
        ({"horizon": 0}, "horizon must be"),
        ({"push_anywhere": 2}, "push_anywhere must be"),
        ({"render_mode": "human"}, "render_mode"),
        ({"grid": 5}, "does not accept these options"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InvalidValueError, match=message):
        make_parallel("grid/locked_room", **options)
    with pytest.raises(InvalidValueError, match="no state before its first episode"):
        RoomParallelEnv().state()
