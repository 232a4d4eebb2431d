"""Eq. 7 and Eq. 10 as the wrappers call them, against loops written from the equations."""

from collections import Counter
from math import sqrt

import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_wrappers import CountBonus, CountConfig, GoalConfig, GoalReward, InfluenceScope, VisitCounter
from isa_wrappers.arrays import to_backend, to_numpy

# D_c is {4}; the agents' special dimensions are {0}, {1, 2} and none.
MIXED = InfluenceScope.from_dimensions(
    {"a": [[], [0], [4], [0, 4]], "b": [[1, 2], [4], [], [2]], "c": [[4], [], [4], []]}, state_size=5
)
# No common dimension, as in Navigation and Unlock.
APART = InfluenceScope.from_dimensions({"a": [[], [0], [1], []], "b": [[2], [], [3], [2, 3]]}, state_size=5)
# All is common.
SHARED = InfluenceScope.from_dimensions({"a": [[], [0, 1], [], [1]], "b": [[0], [1], [0, 1], []]}, state_size=5)
SCOPES = {"mixed": MIXED, "apart": APART, "shared": SHARED}


def on(device, array):
    if device is not None:
        pytest.importorskip("torch")
    return to_backend(array, device)


def meets(scope, i, a):
    """[D(a_i) meets D_c]."""
    return bool(set(scope.action_dims[scope.agents[i]][a]) & set(scope.common_dims))


def dist(x, g, dims, hamming):
    norm = sqrt(sum((float(x[k]) - float(g[k])) ** 2 for k in dims))
    return hamming * sum(1 for k in dims if x[k] != g[k]) + norm


def eq_7(scope, s, s_next, g, actions, r_env, config):
    """One environment's rewards, word for word: returns (total, common part, special part) of every agent."""

    def progress(dims):
        return dist(s, g, dims, config.hamming) - dist(s_next, g, dims, config.hamming)

    rewards = []
    for i in range(scope.num_agents):
        common = progress(scope.common_dims) if meets(scope, i, actions[i]) else 0.0
        special = progress(scope.special_dims[i])
        rewards.append((common + config.alpha1 * special + config.alpha2 * r_env[i], common, special))
    return np.array(rewards).T


@pytest.mark.parametrize("hamming", [0.0, 10.0, 50.0])
@pytest.mark.parametrize("device", DEVICES)
@given(
    seed=st.integers(0, 2**32 - 1),
    scope=st.sampled_from(list(SCOPES.values())),
    leading=st.sampled_from([(), (1,), (7,), (2, 3)]),
    weights=st.sampled_from([(0.0, 0.0), (0.2, 1.0), (0.5, 10.0)]),
)
@settings(deadline=None, max_examples=40)
def test_goal_reward_is_eq_7(device, hamming, seed, scope, leading, weights):
    """Agents that did not act get the environment's reward alone."""
    rng = np.random.default_rng(seed)
    s, s_next, g = rng.integers(-3, 4, (3, *leading, 5)).astype(np.float32) * 0.5
    actions = rng.integers(0, 4, (*leading, scope.num_agents))
    r_env = rng.normal(size=actions.shape).astype(np.float32)
    config = GoalConfig(alpha1=weights[0], alpha2=weights[1], hamming=hamming)
    alive = rng.random(actions.shape) < 0.7
    parts = GoalReward(scope, config, device)(*(on(device, x) for x in (s, s_next, g, actions, r_env, alive)))
    for where in np.ndindex(*leading):
        expected = eq_7(scope, s[where], s_next[where], g[where], actions[where], r_env[where], config)
        nothing = np.stack([config.alpha2 * r_env[where], 0 * r_env[where], 0 * r_env[where]])
        expected = np.where(alive[where], expected, nothing)
        for part, values in zip(parts, expected, strict=True):
            # float32 at distances of up to 250: one unit in the last place is 1.5e-5.
            np.testing.assert_allclose(to_numpy(part)[where], values, rtol=0, atol=1e-4)


def test_an_agent_whose_action_cannot_move_the_common_segment_gets_no_credit_for_it():
    zeros, goal = np.zeros((1, 5), dtype=np.float32), np.array([[0, 0, 0, 0, 9]], dtype=np.float32)
    closer = np.array([[0, 0, 0, 0, 3]], dtype=np.float32)
    reward = GoalReward(MIXED, GoalConfig(alpha1=0.2, alpha2=0.0))
    total = reward(
        zeros, closer, goal, np.array([[1, 1, 3]]), np.zeros((1, 3), dtype=np.float32), np.ones((1, 3), bool)
    ).total
    assert total.tolist() == [[0.0, 3.0, 0.0]]


class CountOracle:
    """Eq. 10 word for word, one dictionary a segment; a batch is counted before any of it is rewarded."""

    def __init__(self, scope, config):
        self.scope, self.config = scope, config
        self.common = Counter()
        self.special = [Counter() for _ in scope.agents]

    def phi(self, state, dims):
        return tuple(int(np.float32(state[k]) * np.float32(self.config.count_scale)) for k in dims)

    def __call__(self, s_next, actions, r_env, alive, counting=True):
        scope, config = self.scope, self.config
        places = list(np.ndindex(*s_next.shape[:-1]))
        if counting:
            for where in places:
                self.common[self.phi(s_next[where], scope.common_dims)] += 1
                for i in range(scope.num_agents):
                    self.special[i][self.phi(s_next[where], scope.special_dims[i])] += int(alive[where][i])
        total = np.zeros(actions.shape)
        for where in places:
            n_c = self.common[self.phi(s_next[where], scope.common_dims)]
            for i in range(scope.num_agents):
                reward = config.beta2 * r_env[where][i]
                if alive[where][i]:
                    n_i = self.special[i][self.phi(s_next[where], scope.special_dims[i])]
                    if scope.special_dims[i]:
                        reward += config.beta1 / sqrt(max(n_i, 1))
                    if meets(scope, i, actions[where][i]):
                        reward += 1 / sqrt(max(n_c, 1))
                total[where][i] = reward
        return total


@pytest.mark.parametrize("device", DEVICES)
@given(
    seed=st.integers(0, 2**32 - 1),
    scope=st.sampled_from(list(SCOPES.values())),
    leading=st.sampled_from([(), (6,), (2, 3)]),
    scale=st.sampled_from([1.0, 100.0]),
    weights=st.sampled_from([(0.0, 0.0), (0.2, 1.0), (0.5, 10.0)]),
    all_alive=st.booleans(),
)
@settings(deadline=None, max_examples=50)
def test_count_bonus_is_eq_10(device, seed, scope, leading, scale, weights, all_alive):
    rng = np.random.default_rng(seed)
    config = CountConfig(beta1=weights[0], beta2=weights[1], count_scale=scale)
    on(device, np.zeros(1))
    bonus, oracle = CountBonus(scope, config, device), CountOracle(scope, config)
    for time in range(6):
        s_next = ((rng.integers(0, 3, (*leading, 5)) + 0.3) / scale).astype(np.float32)
        actions = rng.integers(0, 4, (*leading, scope.num_agents))
        r_env = rng.normal(size=actions.shape).astype(np.float32)
        alive = rng.random(actions.shape) < (1.1 if all_alive else 0.6)
        counting = time != 3
        got = bonus(*(on(device, x) for x in (s_next, actions, r_env, alive)), counting=counting).total
        expected = oracle(s_next, actions, r_env, alive, counting)
        np.testing.assert_allclose(to_numpy(got), expected, rtol=1e-6, atol=1e-6)


def test_the_special_bonus_decays_though_the_common_count_does_not():
    """The authors' program looks the special segment up in the common counter; here each has its own."""
    bonus = CountBonus(MIXED, CountConfig(beta1=1.0))
    alive, zero = np.ones((1, 3), dtype=bool), np.zeros((1, 3), dtype=np.float32)
    specials = []
    for time in range(4):
        # The common dimension is new each time, agent a's stays, agent b's changes.
        state = np.array([[0, time, 0, 0, time]], dtype=np.float32)
        specials.append(bonus(state, np.array([[0, 0, 0]]), zero, alive).special[0].tolist())
    np.testing.assert_allclose([row[0] for row in specials], [1, 2**-0.5, 3**-0.5, 0.5], rtol=1e-6)
    assert [row[1] for row in specials] == [1.0] * 4
    assert [row[2] for row in specials] == [0.0] * 4


@pytest.mark.parametrize("device", DEVICES)
def test_a_dead_agent_visits_nothing_and_explores_nothing(device):
    """It must not be paid 1/sqrt(N) with N = 0 taken for 1 for as long as it stays dead."""
    on(device, np.zeros(1))
    bonus = CountBonus(MIXED, CountConfig(beta1=1.0, beta2=2.0), device)
    state, actions = on(device, np.zeros((1, 5), dtype=np.float32)), on(device, np.array([[3, 1, 0]]))
    reward, alive = on(device, np.full((1, 3), 0.25, dtype=np.float32)), on(device, np.array([[False, True, True]]))
    for time in range(1, 4):
        parts = bonus(state, actions, reward, alive)
        np.testing.assert_allclose(to_numpy(parts.special)[0], [0.0, time**-0.5, 0.0], rtol=1e-6)
        np.testing.assert_allclose(to_numpy(parts.common)[0], [0.0, time**-0.5, time**-0.5], rtol=1e-6)
        np.testing.assert_allclose(to_numpy(parts.total)[0], [0.5, 0.5 + 2 * time**-0.5, 0.5 + time**-0.5], rtol=1e-6)
    assert to_numpy(bonus.counter.count(state))[0].tolist() == [3, 0, 3, 3]


def test_counters_can_be_shared():
    counter = VisitCounter([APART.common_dims, *APART.special_dims])
    first, second = CountBonus(APART, counter=counter), CountBonus(APART, counter=counter)
    state, actions = np.zeros((1, 5), dtype=np.float32), np.array([[1, 0]])
    zero, alive = np.zeros((1, 2), dtype=np.float32), np.ones((1, 2), dtype=bool)
    assert first(state, actions, zero, alive).special[0].tolist() == [1.0, 1.0]
    np.testing.assert_allclose(second(state, actions, zero, alive).special[0], [2**-0.5] * 2, rtol=1e-6)


def test_defaults_are_the_configurations():
    assert CountBonus(MIXED).config == CountConfig()
    assert GoalReward(MIXED).config == GoalConfig()


@pytest.mark.parametrize("name", SCOPES)
def test_numpy_equals_torch(name):
    scope, rng = SCOPES[name], np.random.default_rng(6)
    pytest.importorskip("torch")
    ours, theirs = CountBonus(scope), CountBonus(scope, device="cpu")
    goal, goal_torch = GoalReward(scope, GoalConfig(hamming=10)), GoalReward(scope, GoalConfig(hamming=10), "cpu")
    for _ in range(5):
        s, s_next, g = rng.integers(0, 3, (3, 8, 5)).astype(np.float32)
        actions, alive = rng.integers(0, 4, (8, scope.num_agents)), rng.random((8, scope.num_agents)) < 0.7
        reward = rng.normal(size=actions.shape).astype(np.float32)
        pairs = [
            (ours(s_next, actions, reward, alive), theirs(*(on("cpu", x) for x in (s_next, actions, reward, alive)))),
            (
                goal(s, s_next, g, actions, reward, alive),
                goal_torch(*(on("cpu", x) for x in (s, s_next, g, actions, reward, alive))),
            ),
        ]
        for mine, other in pairs:
            for a, b in zip(mine, other, strict=True):
                assert a.dtype == np.float32
                np.testing.assert_allclose(a, to_numpy(b), rtol=1e-5, atol=1e-5)
