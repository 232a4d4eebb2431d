"""Eq. 7 as the wrappers call it, against loops written from the equation, under every credit rule."""

import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st
from reward_oracles import MIXED, RULES, SCOPES, eq_7, on, segments_by

from isa_wrappers import GoalConfig, GoalReward
from isa_wrappers.arrays import to_numpy
from isa_wrappers.rewards import Transition
from isa_wrappers.rewards.transition import PlainStep
from isa_wrappers.scope.credit import credit_for


def parts_of(paid):
    return [to_numpy(part) for part in (paid.total, paid.intrinsic, paid.parts["common"], paid.parts["special"])]


@pytest.mark.parametrize("hamming", [0.0, 10.0, 50.0])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("device", DEVICES)
@given(
    seed=st.integers(0, 2**32 - 1),
    scope=st.sampled_from(list(SCOPES.values())),
    leading=st.sampled_from([(), (1,), (7,), (2, 3)]),
    weights=st.sampled_from([(0.0, 0.0), (0.2, 1.0), (0.5, 10.0)]),
)
@settings(deadline=None, max_examples=25)
def test_goal_reward_is_eq_7(device, rule, hamming, seed, scope, leading, weights):
    """Agents that did not act get the environment's reward alone."""
    rng = np.random.default_rng(seed)
    s, s_next, g = rng.integers(-3, 4, (3, *leading, 5)).astype(np.float32) * 0.5
    actions = rng.integers(0, 4, (*leading, scope.num_agents))
    r_env = rng.normal(size=actions.shape).astype(np.float32)
    config = GoalConfig(alpha1=weights[0], alpha2=weights[1], hamming=hamming)
    alive = rng.random(actions.shape) < 0.7
    step = Transition(*(None if x is None else on(device, x) for x in (s, s_next, None, actions, r_env, alive, g)))
    reward = GoalReward(scope if rule == "scope" else credit_for(scope, rule), config, device)
    parts = parts_of(reward(step))
    segments = segments_by(rule, scope)
    for where in np.ndindex(*leading):
        expected = eq_7(segments, s[where], s_next[where], g[where], actions[where], r_env[where], config)
        nothing = np.zeros_like(expected)
        nothing[0] = config.alpha2 * r_env[where]
        expected = np.where(alive[where], expected, nothing)
        for part, values in zip(parts, expected, strict=True):
            # float32 at distances of up to 250: one unit in the last place is 1.5e-5.
            np.testing.assert_allclose(part[where], values, rtol=0, atol=1e-4)


def test_an_agent_whose_action_cannot_move_the_common_segment_gets_no_credit_for_it():
    zeros, goal = np.zeros((1, 5), dtype=np.float32), np.array([[0, 0, 0, 0, 9]], dtype=np.float32)
    closer = np.array([[0, 0, 0, 0, 3]], dtype=np.float32)
    nothing, alive = np.zeros((1, 3), dtype=np.float32), np.ones((1, 3), bool)
    step = Transition(zeros, closer, None, np.array([[1, 1, 3]]), nothing, alive, goal)
    config = GoalConfig(alpha1=0.2, alpha2=0.0)
    assert GoalReward(MIXED, config)(step).total.tolist() == [[0.0, 3.0, 0.0]]
    assert GoalReward(credit_for(MIXED, "ungated"), config)(step).total.tolist() == [[3.0, 3.0, 3.0]]


def test_defaults_are_the_configurations():
    assert GoalReward(MIXED).config == GoalConfig()


def test_there_is_nothing_to_save():
    reward = GoalReward(MIXED)
    assert reward.state_dict() == {}
    reward.load_state_dict({})


@pytest.mark.parametrize("name", SCOPES)
def test_numpy_equals_torch(name):
    scope, rng = SCOPES[name], np.random.default_rng(6)
    pytest.importorskip("torch")
    ours, theirs = (GoalReward(scope, GoalConfig(hamming=10), device) for device in (None, "cpu"))
    for _ in range(5):
        s, s_next, g = rng.integers(0, 3, (3, 8, 5)).astype(np.float32)
        actions, alive = rng.integers(0, 4, (8, scope.num_agents)), rng.random((8, scope.num_agents)) < 0.7
        reward = rng.normal(size=actions.shape).astype(np.float32)
        step = Transition(s, s_next, None, actions, reward, alive, g)
        on_torch = Transition(*(None if x is None else on("cpu", x) for x in step))
        for mine, other in zip(parts_of(ours(step)), parts_of(theirs(on_torch)), strict=True):
            assert mine.dtype == other.dtype == np.float32
            np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
def test_the_environment_counts_for_more_the_more_is_won(device):
    """``alpha2 + alpha2_won * max(0, 2 w - 1)``: 1 + 8 / 4 at 5/8, of the reward 2; 1 at 3/8."""
    s, actions, alive = np.zeros((1, 5), dtype=np.float32), np.array([[1, 1, 3]]), np.ones((1, 3), dtype=bool)
    parts = (s, s, None, actions, np.full((1, 3), 2.0, dtype=np.float32), alive, s)
    step = Transition(*(None if x is None else on(device, x) for x in parts))
    share = on(device, np.array(0.625))
    config = GoalConfig(alpha2=1.0, alpha2_won=8.0)
    paid = GoalReward(MIXED, config, device)(step._replace(won_share=share)).total
    assert paid.dtype == step.reward.dtype
    assert to_numpy(paid).tolist() == [[6.0, 6.0, 6.0]]
    assert to_numpy(GoalReward(MIXED, config, device)(step).total).tolist() == [[2.0, 2.0, 2.0]], "nobody tells"
    plain = PlainStep([0.0] * 5, [0.0] * 5, [1, 1, 3], [2.0] * 3, [True] * 3, [0.0] * 5, won_share=0.625)
    assert GoalReward(MIXED, config).plain(plain, True).total == [6.0, 6.0, 6.0]
    seldom = step._replace(won_share=on(device, np.array(0.375)))
    assert to_numpy(GoalReward(MIXED, config, device)(seldom).total).tolist() == [[2.0, 2.0, 2.0]]
    assert GoalReward(MIXED, config).plain(plain._replace(won_share=0.375), True).total == [2.0, 2.0, 2.0]
