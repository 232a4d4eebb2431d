"""Eq. 10 on a small grid task, by hand."""

from collections import Counter
from math import sqrt

import numpy as np
import pytest
from devices import DEVICES
from unlock_batch import AGENTS, B, Dying, Uneven, apart, assert_same_step, bare, mixed, plays, run, unlock

from isa_wrappers import CountConfig, VisitCounter
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.wrappers.batch import InfluenceCountBonus


def phi(state, dims):
    return tuple(int(state[k]) for k in dims)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("make_scope", [apart, mixed])
@pytest.mark.parametrize("inner", [Uneven, Dying])
def test_count_bonus_equals_eq_10_by_hand(device, make_scope, inner):
    scope, config = make_scope(), CountConfig(beta1=0.5, beta2=2.0)
    steps = run(InfluenceCountBonus(inner(unlock(device)), scope, config), device)
    expected = bare(env=inner(unlock(device)), device=device)
    common, special = Counter(), [Counter() for _ in range(AGENTS)]
    assert_same_step(steps[0], expected[0])
    for time, actions in enumerate(plays()):
        before, plain = expected[time], expected[time + 1]
        assert_same_step(steps[time + 1], plain, but=("reward",))
        reached = plain.final_state  # Before the reset: what the action led to.
        for b in range(B):
            common[phi(reached[b], scope.common_dims)] += 1
            for i in range(AGENTS):
                special[i][phi(reached[b], scope.special_dims[i])] += int(before.alive[b, i])
        rewards = 2.0 * plain.reward.astype(float)
        for b in range(B):
            for i in range(AGENTS):
                if not before.alive[b, i]:
                    continue
                if set(scope.action_dims[f"agent_{i}"][actions[b, i]]) & set(scope.common_dims):
                    rewards[b, i] += 1 / sqrt(common[phi(reached[b], scope.common_dims)])
                if scope.special_dims[i]:
                    rewards[b, i] += 0.5 / sqrt(special[i][phi(reached[b], scope.special_dims[i])])
        np.testing.assert_allclose(steps[time + 1].reward, rewards, rtol=1e-5, atol=1e-6)


def test_counts_continue_over_resets():
    env = InfluenceCountBonus(unlock(), apart(), CountConfig())
    for repeat in range(1, 4):
        env.reset(0)
        env.step(np.zeros((B, AGENTS), dtype=np.int64))
        assert env.bonus.counter.count(np.zeros(8, dtype=np.float32)).tolist() == [B * repeat] * 3


def test_a_counter_can_be_shared():
    counter = VisitCounter([apart().common_dims, *apart().special_dims])
    for _ in range(2):
        env = InfluenceCountBonus(unlock(), apart(), counter=counter)
        env.reset(0)
        env.step(np.zeros((B, AGENTS), dtype=np.int64))
    assert counter.count(np.zeros(8, dtype=np.float32)).tolist() == [2 * B] * 3


def test_what_does_not_fit_is_named():
    with pytest.raises(
        InvalidValueError, match="inner wrapper already pays the intrinsic reward 'bonus'; a second one would pay twice"
    ):
        InfluenceCountBonus(InfluenceCountBonus(unlock(), apart()), apart())
    with pytest.raises(ScopeMismatchError, match="its agents"):
        InfluenceCountBonus(unlock(num_agents=1, targets=[(1, 0)]), apart())
