"""Eq. 7 on a small grid task, by hand."""

from math import sqrt

import pytest
from devices import DEVICES
from unlock_batch import AGENTS, B, Uneven, apart, bare, goal_pool, mixed, plays, unlock

from isa_wrappers import GoalConfig
from isa_wrappers.arrays import to_backend, to_numpy
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.scope.credit import credit_for
from isa_wrappers.wrappers.batch import GoalSampling, GoalSegmentReward, InfluenceCountBonus


def dist(x, g, dims, hamming):
    return hamming * sum(1 for k in dims if x[k] != g[k]) + sqrt(sum(float(x[k] - g[k]) ** 2 for k in dims))


@pytest.mark.slow
@pytest.mark.parametrize("hamming", [0.0, 10.0, 50.0])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("make_scope", [apart, mixed])
def test_goal_reward_equals_eq_7_by_hand(device, make_scope, hamming):
    """Nothing leaks across an episode's end: before is this episode's state, after is the one before the reset."""
    scope, config = make_scope(), GoalConfig(alpha1=0.5, alpha2=3.0, hamming=hamming)
    expected = bare(device, env=Uneven(unlock(device)))
    sampling = GoalSampling(Uneven(unlock(device)), goal_pool(device)[0], scope)
    env = GoalSegmentReward(sampling, scope, config)
    env.reset(0)
    ends = 0
    for time, actions in enumerate(plays()):
        goal = to_numpy(sampling.goal).copy()
        reward = to_numpy(env.step(to_backend(actions, device)).reward)
        before, after = expected[time].state, expected[time + 1].final_state
        ends += int((expected[time].done & (expected[time].final_state != before).any(axis=1)).sum())

        def progress(b, dims, before=before, after=after, goal=goal):
            return dist(before[b], goal[b], dims, hamming) - dist(after[b], goal[b], dims, hamming)

        for b in range(B):
            for i in range(AGENTS):
                total = 0.5 * progress(b, scope.special_dims[i]) + 3.0 * float(expected[time + 1].reward[b, i])
                if set(scope.action_dims[f"agent_{i}"][actions[b, i]]) & set(scope.common_dims):
                    total += progress(b, scope.common_dims)
                # float32 at distances of up to 300: one unit in the last place is 3e-5.
                assert reward[b, i] == pytest.approx(total, abs=3e-4)
    assert ends > 20, "episodes must have ended for this to show anything"


def test_what_does_not_fit_is_named():
    goals, _ = goal_pool(None)
    with pytest.raises(InvalidValueError, match=r"GoalReward needs goals: wrap .* with GoalSampling first"):
        GoalSegmentReward(unlock(), mixed())
    sampling = GoalSampling(unlock(), goals, mixed())
    with pytest.raises(InvalidValueError, match="inner wrapper already pays the intrinsic reward 'progress'"):
        GoalSegmentReward(InfluenceCountBonus(GoalSegmentReward(sampling, mixed()), mixed()), mixed())
    with pytest.raises(ScopeMismatchError, match="inner GoalSampling has another scope"):
        GoalSegmentReward(sampling, apart())
    with pytest.raises(ScopeMismatchError, match="inner GoalSampling has another scope"):
        GoalSegmentReward(sampling, credit_for(mixed(), "whole_state"))
    GoalSegmentReward(sampling, credit_for(mixed(), "unsegmented"))  # the same dimensions
