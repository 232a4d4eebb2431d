"""Eq. 7 around a ParallelEnv."""

import numpy as np
import pytest
from parallel_toys import WalkEnv
from walk_stacks import goals_with, walk_scope

from isa_wrappers import GoalConfig
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.scope.credit import credit_for
from isa_wrappers.wrappers import GoalSampling, GoalSegmentReward


def test_who_does_not_act_is_paid_no_progress():
    goals = goals_with(np.array([[3.0, 3.0]], dtype=np.float32))
    env = GoalSegmentReward(GoalSampling(WalkEnv(late=True), walk_scope(), goals), walk_scope(), GoalConfig(1.0, 1.0))
    env.reset()
    env.env.env.position[1] = 1.0  # the world moves it before it joins
    _, rewards, *_ = env.step({"walker_0": 1, "walker_1": 1})
    assert rewards == {"walker_0": 1.0, "walker_1": 0.0}


def test_the_hamming_weight_reaches_the_reward():
    goals = goals_with(np.array([[2.0, 1.0]], dtype=np.float32))
    env = GoalSegmentReward(GoalSampling(WalkEnv(), walk_scope(), goals), walk_scope(), GoalConfig(1.0, 0.0, 10.0))
    env.reset()
    _, rewards, *_ = env.step({"walker_0": 1, "walker_1": 1})
    assert rewards == {"walker_0": 1.0, "walker_1": 11.0}


def test_individual_goals_left_whole_weigh_one():
    credit, goals = credit_for(walk_scope(), "unsegmented"), goals_with(np.array([[2.0, 1.0]], dtype=np.float32))
    env = GoalSegmentReward(GoalSampling(WalkEnv(), credit, goals), credit, GoalConfig(alpha1=0.0, alpha2=0.0))
    env.reset()
    assert env.step({"walker_0": 1, "walker_1": 0})[1] == {"walker_0": 1.0, "walker_1": 0.0}


def test_what_does_not_fit_is_named():
    scope, goals = walk_scope(), goals_with(np.zeros((1, 2), dtype=np.float32))
    with pytest.raises(InvalidValueError, match=r"needs goals: wrap .* with GoalSampling first"):
        GoalSegmentReward(WalkEnv(), scope)
    sampling = GoalSampling(WalkEnv(), scope, goals)
    with pytest.raises(InvalidValueError, match="inner wrapper already pays the intrinsic reward 'progress'"):
        GoalSegmentReward(GoalSegmentReward(sampling, scope), scope)
    with pytest.raises(ScopeMismatchError, match="inner GoalSampling has another scope"):
        GoalSegmentReward(sampling, credit_for(scope, "whole_state"))
