"""Goals in a small grid task: held, shown, drawn."""

import numpy as np
import pytest
from devices import DEVICES
from unlock_batch import (
    AGENTS,
    STEPS,
    TARGETS,
    B,
    apart,
    as_numpy,
    assert_same_step,
    bare,
    goal_pool,
    mixed,
    plays,
    run,
    unlock,
)

from isa_wrappers import GoalBuffer, GoalProjection, InfluenceScope
from isa_wrappers.arrays import to_backend, to_numpy
from isa_wrappers.errors import EmptyGoalBufferError, InvalidValueError, ScopeMismatchError, UnknownNameError
from isa_wrappers.scope.credit import credit_for
from isa_wrappers.wrappers.batch import GoalRecording, GoalSampling


def with_goals(device, seed=0):
    goals, pool = goal_pool(device)
    return GoalSampling(unlock(device), goals, mixed(), seed), pool


@pytest.mark.parametrize("device", DEVICES)
def test_a_goal_is_held_for_an_episode_and_redrawn_after(device):
    unlock(device)
    env, pool = with_goals(device)
    step = env.reset(0)
    drawn = to_numpy(env.goal).tolist()
    redrawn = 0
    for actions in plays():
        before = to_numpy(env.goal).copy()
        step = env.step(to_backend(actions, device))
        after, done = to_numpy(env.goal), to_numpy(step.done)
        np.testing.assert_array_equal(after[~done], before[~done])
        redrawn += int((after[done] != before[done]).any(axis=1).sum())
        drawn += after[done].tolist()
    assert {tuple(row) for row in drawn} <= pool
    episodes = len(drawn) - B
    assert episodes > 60
    # One in forty redraws gives the same again.
    assert redrawn / episodes > 0.85
    # All of the pool comes up: the chance of missing 12 of 40 in so many draws is nil.
    assert len({tuple(row) for row in drawn}) > 28


@pytest.mark.parametrize("device", DEVICES)
def test_observations_carry_the_agents_own_part_of_the_goal(device):
    expected = bare(device)
    env, _ = with_goals(device)
    scope = mixed()
    assert scope.agent_dims == [[0, 1, 3], [0, 2, 3]]
    assert env.obs_size == 4 + 3
    step = as_numpy(env.reset(0))
    for time in range(STEPS + 1):
        plain = expected[time]
        held = to_numpy(env.goal)
        if time:
            before = held.copy()
            step = as_numpy(env.step(to_backend(plays()[time - 1], device)))
            held = to_numpy(env.goal)
        else:
            before = held
        for obs, base, goal in ((step.obs, plain.obs, held), (step.final_obs, plain.final_obs, before)):
            assert obs.shape == (B, AGENTS, 7)
            np.testing.assert_array_equal(obs[..., :4], base)
            for i in range(AGENTS):
                own = scope.common_dims + scope.special_dims[i]
                np.testing.assert_array_equal(obs[:, i, 4 : 4 + len(own)], goal[:, own])
                assert (obs[:, i, 4 + len(own) :] == 0).all()
        assert_same_step(step, plain, but=("obs", "final_obs", "reward"))


@pytest.mark.parametrize("device", DEVICES)
def test_rewards_are_left_alone(device):
    unlock(device)
    env, _ = with_goals(device)
    for step, plain in zip(run(env, device), bare(device), strict=True):
        np.testing.assert_array_equal(step.reward, plain.reward)


@pytest.mark.parametrize("device", DEVICES)
def test_goals_need_a_won_state_first(device):
    unlock(device)
    env = GoalSampling(unlock(device), GoalBuffer(8, device=device), mixed())
    with pytest.raises(EmptyGoalBufferError):
        env.reset(0)


def test_goal_draws_depend_on_the_seed_of_the_reset():
    env, _ = with_goals(None, seed=5)
    goals = []
    for seed in (1, 1, 2):
        env.reset(seed)
        goals.append(to_numpy(env.goal).copy())
    np.testing.assert_array_equal(goals[0], goals[1])
    assert not np.array_equal(goals[0], goals[2])
    env.reset()
    assert not np.array_equal(to_numpy(env.goal), goals[2])


def test_the_goal_of_a_win_may_be_the_next_goal():
    """The buffer is fed below the goals, so a first win can be drawn at once; the draw itself is over all of B."""
    goals = GoalBuffer(8, 100)
    goals.add(np.full((1, 8), 7, dtype=np.float32), np.array([True]))
    env = GoalSampling(GoalRecording(unlock(), goals), goals, apart())
    run(env)
    won = [float(c) for target in TARGETS for c in target]
    assert {tuple(row[:4]) for row in env.goal.tolist()} <= {tuple(won), (7.0,) * 4}
    assert any(row[:4] == won for row in env.goal.tolist())


@pytest.mark.parametrize("device", DEVICES)
def test_a_projection_or_what_it_is_made_from(device):
    unlock(device)
    goals, _ = goal_pool(device)
    made = [mixed(), credit_for(mixed()), GoalProjection(mixed(), device)]
    first, *others = (run(GoalSampling(unlock(device), goals, way), device) for way in made)
    for other in others:
        for step, expected in zip(other, first, strict=True):
            assert_same_step(step, expected)
    whole = GoalSampling(unlock(device), goals, credit_for(mixed(), "whole_state"))
    assert whole.obs_size == 4 + 8


@pytest.mark.parametrize("device", DEVICES)
def test_the_latest_goal_is_the_one_won_last(device):
    unlock(device)
    goals = GoalBuffer(8, 100, device=device)
    goals.add(to_backend(np.full((1, 8), 7, dtype=np.float32), device), to_backend(np.array([True]), device))
    env = GoalSampling(GoalRecording(unlock(device), goals), goals, apart(), selector="latest")
    env.reset(0)
    assert to_numpy(env.goal).tolist() == [[7.0] * 8] * B
    won = False
    for actions in plays():
        step = env.step(to_backend(actions, device))
        won = won or bool(step.success.any())
        latest, done = to_numpy(goals.states)[-1], to_numpy(step.done)
        for row in to_numpy(env.goal)[done]:
            np.testing.assert_array_equal(row, latest)
    assert won


def test_an_unknown_selector_is_refused():
    goals, _ = goal_pool(None)
    with pytest.raises(UnknownNameError, match="unknown goal selector 'unifrom'; did you mean 'uniform'"):
        GoalSampling(unlock(), goals, mixed(), selector="unifrom")


@pytest.mark.parametrize("device", DEVICES)
def test_a_goal_of_the_callers_is_pursued_until_it_is_taken_back(device):
    """One for all or one each; it needs no buffer, and takes no random numbers from the others' draws."""
    env, pool = with_goals(device)
    plain, _ = with_goals(device)
    own = np.arange(len(env.state_names) * B, dtype=np.float32).reshape(B, -1) + 100
    actions = [to_backend(one, device) for one in plays()][:STEPS]
    for given, wanted in ((own, own), (own[0], np.repeat(own[:1], B, axis=0))):
        empty = GoalSampling(unlock(device), GoalBuffer(env.state_size, device=device), mixed())
        empty.pursue(to_backend(given, device))
        step = empty.reset(0)
        ended = False
        for action in actions:
            parts = to_numpy(GoalProjection(mixed())(wanted))
            np.testing.assert_array_equal(to_numpy(step.obs)[..., -parts.shape[-1] :], parts)
            np.testing.assert_array_equal(to_numpy(empty.goal), wanted)
            step = empty.step(action)
            ended |= bool(step.done.any())
        assert ended, "across ends too"
    env.pursue(to_backend(own, device))
    env.reset(0)
    env.pursue(None)
    env.reset()
    plain.reset(0)
    np.testing.assert_array_equal(to_numpy(env.goal), to_numpy(plain.goal))
    assert {tuple(row) for row in to_numpy(env.goal).tolist()} <= pool
    with pytest.raises(InvalidValueError, match=r"goal must be an array of shape \[\.\.\., \d+\], got \[3\]"):
        env.pursue(to_backend(np.zeros(3, np.float32), device))


@pytest.mark.parametrize("made", [lambda scope: scope, credit_for, GoalProjection])
def test_a_scope_of_another_environment_is_refused(made):
    """As around a ParallelEnv: one agent's goal would be shown to all, or nothing fit in the first step."""
    goals, _ = goal_pool(None)
    alone = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=8)
    with pytest.raises(ScopeMismatchError, match=r"its agents \['agent_0'\], here \['agent_0', 'agent_1'\]"):
        GoalSampling(unlock(), goals, made(alone))


def test_a_buffer_of_other_states_is_refused():
    with pytest.raises(ScopeMismatchError, match="states with 3 dimensions, but this environment has 8"):
        GoalSampling(unlock(), GoalBuffer(3), mixed())


def test_goals_are_shown_once():
    goals, _ = goal_pool(None)
    with pytest.raises(InvalidValueError, match="inner GoalSampling already samples goals; remove one of the two"):
        GoalSampling(GoalRecording(GoalSampling(unlock(), goals, mixed()), goals), goals, mixed())
