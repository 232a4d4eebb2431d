"""Eq. 10 as the wrappers call it, against loops written from the equation, under every credit rule."""

import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st
from reward_oracles import APART, MIXED, RULES, SCOPES, CountOracle, on, segments_by

from isa_wrappers import CountBonus, CountConfig, VisitCounter
from isa_wrappers.arrays import to_numpy
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.rewards import Transition
from isa_wrappers.scope.credit import credit_for


def visit(s_tp1, actions, reward, alive, device=None):
    """A transition as far as counting is concerned."""
    arrays = (on(device, np.asarray(x)) for x in (s_tp1, actions, reward, alive))
    return Transition(None, next(arrays), None, *arrays)


def parts_of(paid):
    return [to_numpy(part) for part in (paid.total, paid.intrinsic, paid.parts["common"], paid.parts["special"])]


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("device", DEVICES)
@given(
    seed=st.integers(0, 2**32 - 1),
    scope=st.sampled_from(list(SCOPES.values())),
    leading=st.sampled_from([(), (6,), (2, 3)]),
    scale=st.sampled_from([1.0, 100.0]),
    weights=st.sampled_from([(0.0, 0.0), (0.2, 1.0), (0.5, 10.0)]),
    all_alive=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_count_bonus_is_eq_10(device, rule, seed, scope, leading, scale, weights, all_alive):
    rng = np.random.default_rng(seed)
    config = CountConfig(beta1=weights[0], beta2=weights[1], count_scale=scale)
    on(device, np.zeros(1))
    bonus = CountBonus(scope if rule == "scope" else credit_for(scope, rule), config, device)
    oracle = CountOracle(segments_by(rule, scope), config)
    for time in range(6):
        s_next = ((rng.integers(0, 3, (*leading, 5)) + 0.3) / scale).astype(np.float32)
        actions = rng.integers(0, 4, (*leading, scope.num_agents))
        r_env = rng.normal(size=actions.shape).astype(np.float32)
        alive = rng.random(actions.shape) < (1.1 if all_alive else 0.6)
        update = time != 3
        parts = parts_of(bonus(visit(s_next, actions, r_env, alive, device), update=update))
        for part, values in zip(parts, oracle(s_next, actions, r_env, alive, update), strict=True):
            np.testing.assert_allclose(part, values, rtol=1e-6, atol=1e-6)


def test_the_special_bonus_decays_though_the_common_count_does_not():
    """The authors' program looks the special segment up in the common counter; here each has its own."""
    bonus = CountBonus(MIXED, CountConfig(beta1=1.0))
    alive, zero = np.ones((1, 3), dtype=bool), np.zeros((1, 3), dtype=np.float32)
    specials = []
    for time in range(4):
        # The common dimension is new each time, agent a's stays, agent b's changes.
        state = np.array([[0, time, 0, 0, time]], dtype=np.float32)
        specials.append(bonus(visit(state, [[0, 0, 0]], zero, alive)).parts["special"][0].tolist())
    np.testing.assert_allclose([row[0] for row in specials], [1, 2**-0.5, 3**-0.5, 0.5], rtol=1e-6)
    assert [row[1] for row in specials] == [1.0] * 4
    assert [row[2] for row in specials] == [0.0] * 4


@pytest.mark.parametrize("device", DEVICES)
def test_a_dead_agent_visits_nothing_and_explores_nothing(device):
    """It must not be paid 1/sqrt(N) with N = 0 taken for 1 for as long as it stays dead."""
    on(device, np.zeros(1))
    bonus = CountBonus(MIXED, CountConfig(beta1=1.0, beta2=2.0), device)
    state, reward = np.zeros((1, 5), dtype=np.float32), np.full((1, 3), 0.25, dtype=np.float32)
    step = visit(state, [[3, 1, 0]], reward, [[False, True, True]], device)
    for time in range(1, 4):
        total, intrinsic, common, special = parts_of(bonus(step))
        np.testing.assert_allclose(special[0], [0.0, time**-0.5, 0.0], rtol=1e-6)
        np.testing.assert_allclose(common[0], [0.0, time**-0.5, time**-0.5], rtol=1e-6)
        np.testing.assert_allclose(intrinsic[0], [0.0, 2 * time**-0.5, time**-0.5], rtol=1e-6)
        np.testing.assert_allclose(total[0], [0.5, 0.5 + 2 * time**-0.5, 0.5 + time**-0.5], rtol=1e-6)
    assert to_numpy(bonus.counter.count(step.s_tp1))[0].tolist() == [3, 0, 3, 3]


@pytest.mark.parametrize("device", DEVICES)
def test_a_step_in_which_nobody_acted_counts_for_no_segment(device):
    """One that was lost with its game, say; the copy beside it counts."""
    on(device, np.zeros(1))
    bonus = CountBonus(MIXED, None, device)
    state, reward = np.zeros((2, 5), dtype=np.float32), np.ones((2, 3), dtype=np.float32)
    state[1] = 7.0
    bonus(visit(state, [[3, 1, 0]] * 2, reward, [[False] * 3, [True] * 3], device))
    visits = to_numpy(bonus.counter.count(on(device, state)))
    assert visits[:, :3].tolist() == [[0, 0, 0], [1, 1, 1]]  # the last agent moves nothing: one key for all


def test_counters_can_be_shared():
    counter = VisitCounter([APART.common_dims, *APART.special_dims])
    first, second = CountBonus(APART, counter=counter), CountBonus(APART, counter=counter)
    zero, alive = np.zeros((1, 2), dtype=np.float32), np.ones((1, 2), dtype=bool)
    step = visit(np.zeros((1, 5), dtype=np.float32), [[1, 0]], zero, alive)
    assert first(step).parts["special"][0].tolist() == [1.0, 1.0]
    np.testing.assert_allclose(second(step).parts["special"][0], [2**-0.5] * 2, rtol=1e-6)


def test_a_shared_counter_must_fit():
    counter = VisitCounter([APART.common_dims, *APART.special_dims])
    with pytest.raises(ScopeMismatchError, match="shared counter counts segments"):
        CountBonus(credit_for(APART, "whole_state"), counter=counter)
    with pytest.raises(InvalidValueError, match=r"has count_scale 1.0, but config has 5.0"):
        CountBonus(APART, CountConfig(count_scale=5.0), counter=counter)


def test_defaults_are_the_configurations():
    assert CountBonus(MIXED).config == CountConfig()


def test_counts_are_saved():
    bonus, other = CountBonus(MIXED), CountBonus(MIXED)
    zero, alive = np.zeros((1, 3), dtype=np.float32), np.ones((1, 3), dtype=bool)
    step = visit(np.zeros((1, 5), dtype=np.float32), [[3, 1, 0]], zero, alive)
    bonus(step)
    other.load_state_dict(bonus.state_dict())
    np.testing.assert_array_equal(bonus(step).total, other(step).total)
    assert other.counter.table.sum() == bonus.counter.table.sum() == 8


@pytest.mark.parametrize("name", SCOPES)
def test_numpy_equals_torch(name):
    scope, rng = SCOPES[name], np.random.default_rng(6)
    pytest.importorskip("torch")
    ours, theirs = CountBonus(scope), CountBonus(scope, device="cpu")
    for _ in range(5):
        s_next = rng.integers(0, 3, (8, 5)).astype(np.float32)
        actions, alive = rng.integers(0, 4, (8, scope.num_agents)), rng.random((8, scope.num_agents)) < 0.7
        reward = rng.normal(size=actions.shape).astype(np.float32)
        steps = (visit(s_next, actions, reward, alive, device) for device in (None, "cpu"))
        for mine, other in zip(parts_of(ours(next(steps))), parts_of(theirs(next(steps))), strict=True):
            assert mine.dtype == other.dtype == np.float32
            np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-5)
