"""A stack of wrappers continues with a scope that has grown, or says why it cannot."""

import numpy as np
import pytest

from isa_wrappers import GoalBuffer, InfluenceScope
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards.stitched import StitchedGoals
from isa_wrappers.wrappers.batch import (
    GoalRecording,
    GoalSampling,
    GoalSegmentReward,
    InfluenceCountBonus,
    follow_scope,
)

SMALL, LARGE = (InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], x, x]}, 4) for x in ([], [0]))


def unlock():
    return make_batch("grid/unlock", 2, num_agents=1, targets=[(0, 2)])


def test_rewards_follow_and_goals_stay():
    goals = GoalBuffer(state_size=4)
    env = InfluenceCountBonus(GoalRecording(unlock(), goals), SMALL)
    env.reset(seed=0)
    up = np.full((2, 1), 2)
    env.step(up)
    env.step(up)
    assert len(goals) == 2
    counts = env.reward.counter.count(np.array([[0.0, 1.0, 0.0, 2.0]], dtype=np.float32))
    assert counts.tolist() == [[2, 4]], "y = 1 was met twice, and four times the one key of no dimensions"
    follow_scope(env, LARGE)
    assert env.reward.credit.common_dims == [0, 1]
    assert env.reward.counter.segments == [[0, 1], []]
    assert len(goals) == 2
    assert env.step(up).reward.tolist() == [[pytest.approx(2**-0.5)]] * 2, "both come to a new cell, in one step"


def test_running_episodes_have_arrived_nowhere_in_segments_that_changed():
    goals = StitchedGoals(SMALL)
    env = GoalRecording(unlock(), goals)
    env.reset(seed=0)
    env._episodes.holds |= True
    follow_scope(env, LARGE)
    assert not env._episodes.holds.any()


def test_a_policy_that_sees_goals_cannot_follow():
    goals = GoalBuffer(state_size=4)
    env = GoalSegmentReward(GoalSampling(unlock(), goals, SMALL), SMALL)
    with pytest.raises(InvalidValueError, match="a policy that sees them cannot follow it"):
        follow_scope(env, LARGE)
    assert env.reward.credit.common_dims == [1]
