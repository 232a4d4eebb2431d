"""The former names of the batched wrappers compute what the new ones do, put together by hand."""

import numpy as np
import pytest
from devices import DEVICES
from parallel_toys import WalkEnv
from unlock_batch import apart, as_numpy, assert_same_step, goal_pool, mixed, plays, run, unlock
from walk_stacks import walk_scope

from isa_wrappers import CountBonus, GoalBuffer, GoalProjection, GoalReward
from isa_wrappers.arrays import to_numpy
from isa_wrappers.batch_wrappers import BatchCountBonus, BatchGoals, BatchRecorder
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.wrappers.batch import (
    EpisodeStatistics,
    GoalRecording,
    GoalSampling,
    GoalSegmentReward,
    InfluenceCountBonus,
)


def assert_same(env, other, device):
    for step, expected in zip(run(env, device), run(other, device), strict=True):
        assert_same_step(step, expected)


@pytest.mark.parametrize("device", DEVICES)
def test_recorder(device):
    unlock(device)
    first, second = (GoalBuffer(8, device=device) for _ in range(2))
    former, now = BatchRecorder(unlock(device), first), EpisodeStatistics(GoalRecording(unlock(device), second))
    assert_same(former, now, device)
    assert former.take() == now.take()
    assert former.goals is first
    assert len(first) > 0
    np.testing.assert_array_equal(to_numpy(first.states), to_numpy(second.states))
    assert BatchRecorder(unlock(device)).goals is None


@pytest.mark.parametrize("device", DEVICES)
def test_count_bonus(device):
    former = BatchCountBonus(unlock(device), CountBonus(mixed(), device=device))
    assert_same(former, InfluenceCountBonus(unlock(device), mixed()), device)
    assert int(former.bonus.counter.table.sum()) > 0


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_goals(device):
    unlock(device)
    goals, _ = goal_pool(device)
    projection = GoalProjection(mixed(), device)
    former = BatchGoals(unlock(device), goals, projection, GoalReward(mixed(), device=device), seed=3)
    now = GoalSampling(unlock(device), goals, mixed(), seed=3)
    assert_same(former, GoalSegmentReward(now, mixed()), device)
    np.testing.assert_array_equal(to_numpy(former.goal), to_numpy(now.goal))
    np.testing.assert_array_equal(to_numpy(former.episode_goal), to_numpy(now.episode_goal))
    watched = BatchGoals(unlock(device), goals, projection)
    assert_same(watched, GoalSampling(unlock(device), goals, mixed()), device)
    assert watched.obs_size == 4 + 3


def test_a_whole_stack_resumes():
    def make():
        goals, _ = goal_pool(None)
        env = BatchGoals(BatchRecorder(unlock(), goals), goals, GoalProjection(apart()), GoalReward(apart()))
        return env, goals

    (env, goals), (other, other_goals) = make(), make()
    env.reset(0)
    for actions in plays():
        env.step(actions)
    other_goals.load_state_dict(goals.state_dict())
    other.load_state_dict(env.state_dict())
    for actions in plays(1, steps=9):
        assert_same_step(as_numpy(env.step(actions)), as_numpy(other.step(actions)))


@pytest.mark.parametrize("wrapper", [InfluenceCountBonus, GoalSegmentReward])
def test_a_single_environment_in_the_place_of_a_batch_is_one_line(wrapper):
    with pytest.raises(InvalidValueError, match=r"env must be a BatchEnv, got .*, which lacks num_envs"):
        wrapper(WalkEnv(), walk_scope())
