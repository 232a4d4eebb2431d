"""Eq. 7 and Eq. 10 on plain numbers: what the arrays compute, step for step, on the same counts."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from reward_oracles import RULES, SCOPES, CountOracle, eq_7, segments_by

from isa_wrappers import CountBonus, CountConfig, GoalConfig, GoalReward, InfluenceScope, VisitCounter
from isa_wrappers.rewards.plain import MOST_DIMENSIONS, PlainStep, PlainVisits, is_small
from isa_wrappers.rewards.transition import Transition
from isa_wrappers.scope.credit import as_credit, credit_for

CONFIG = CountConfig(beta1=0.3, beta2=0.7, count_scale=2.0)
GOAL = GoalConfig(hamming=10.0, alpha1=0.3, alpha2=0.7)


def walk(scope, seed, steps=40, dtype=np.float32):
    """Random steps: states before and after, actions, rewards, who acted."""
    rng = np.random.default_rng(seed)
    states = (rng.integers(-4, 4, size=(steps + 1, scope.state_size)) / 4).astype(dtype)
    team = len(scope.agents)
    for s_t, s_tp1 in pairwise(states):
        actions = rng.integers(scope.num_actions[0], size=team)
        yield s_t, s_tp1, actions, rng.normal(size=team).astype(np.float32), rng.random(team) < 0.8


def as_lists(paid):
    parts = [paid.total, paid.intrinsic, paid.parts["common"], paid.parts["special"]]
    return np.array([np.asarray(part, dtype=float) for part in parts])


def plain_step(s_t, s_tp1, actions, reward, acted, goal=None, wide=False):
    listed = None if goal is None else goal.tolist()
    return PlainStep(s_t.tolist(), s_tp1.tolist(), actions.tolist(), reward.tolist(), acted.tolist(), listed, wide)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", SCOPES)
def test_counts_are_the_oracles_and_the_arrays(name, rule):
    scope = SCOPES[name]
    credit = credit_for(scope, rule)
    plain, arrays = CountBonus(credit, CONFIG), CountBonus(credit, CONFIG)
    oracle = CountOracle(segments_by(rule, scope), CONFIG)
    oracle.phi = lambda state, dims: tuple(int(np.floor(float(state[k]) * 2.0 + 0.5)) for k in sorted(dims))
    for i, (s_t, s_tp1, actions, reward, acted) in enumerate(walk(scope, 1)):
        update = i % 5 != 4
        paid = as_lists(plain.plain(plain_step(s_t, s_tp1, actions, reward, acted), update))
        step = Transition(s_t, s_tp1, None, actions, reward, acted)
        np.testing.assert_allclose(paid, as_lists(arrays(step, update=update)), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(paid, oracle(s_tp1, actions, reward, acted, update), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(plain.counter.table, arrays.counter.table)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", SCOPES)
def test_progress_is_the_oracles_and_the_arrays(name, rule, dtype):
    scope = SCOPES[name]
    reward_of = GoalReward(credit_for(scope, rule), GOAL)
    segments = segments_by(rule, scope)
    goals = (np.random.default_rng(7).integers(-4, 4, size=(2, scope.state_size)) / 4).astype(dtype)
    for i, (s_t, s_tp1, actions, reward, acted) in enumerate(walk(scope, 2, dtype=dtype)):
        goal = goals[i // 20]
        paid = as_lists(
            reward_of.plain(plain_step(s_t, s_tp1, actions, reward, acted, goal, dtype == np.float64), True)
        )
        step = Transition(s_t, s_tp1, None, actions, reward, acted, goal)
        np.testing.assert_allclose(paid, as_lists(reward_of(step)), rtol=1e-5, atol=1e-5)
        word_for_word = eq_7(segments, s_t, s_tp1, goal, actions, reward, GOAL)
        np.testing.assert_allclose(paid[:, acted], word_for_word[:, acted], rtol=1e-5, atol=1e-5)


def test_the_distance_is_remembered_for_the_same_state_and_goal_alone():
    scope = InfluenceScope.from_dimensions({"a": [[], [0]]}, state_size=1)
    reward_of = GoalReward(scope)
    goal, other, states = [4.0], [0.0], [[0.0], [3.0], [4.0]]

    def pay(before, after, goal):
        return reward_of.plain(PlainStep(before, after, [1], [0.0], [True], goal), True).total

    assert pay(states[0], states[1], goal) == [3.0]
    assert pay(states[1], states[2], goal) == pytest.approx([1.0 + reward_of.config.hamming])
    assert pay(states[2], states[1], other) == [1.0]
    assert pay([5.0], states[2], goal) == pytest.approx([1.0 + reward_of.config.hamming])


def test_rounding_counts_as_no_difference_in_float64_alone():
    reward_of = GoalReward(InfluenceScope.from_dimensions({"a": [[], [0]]}, state_size=1))
    hamming = reward_of.config.hamming
    near = 0.1 + 0.2
    for wide, paid in ((True, hamming), (False, 0.0)):
        step = PlainStep([1.3], [near], [1], [0.0], [True], [0.3], wide)
        assert reward_of.plain(step, True).total == pytest.approx([1.0 + paid])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 100.0, 1e9])
def test_slots_are_the_arrays_at_any_size_of_number(scale):
    segments = [[0, 2], [1], [], [0, 1, 2]]
    one, other = VisitCounter(segments, scale, 12), VisitCounter(segments, scale, 12)
    visits, rng = PlainVisits(one), np.random.default_rng(3)
    states = rng.normal(size=(200, 3)) * 10.0 ** rng.integers(-3, 30, size=(200, 1))
    states[0] = [-0.0, 0.5 / scale, 1e300]
    for state in (*states, *states):
        expected = other.visit(state, np.array([True, True, False, True])).tolist()
        assert visits(state.tolist(), [True, True, False, True]) == expected
        assert visits(state.tolist(), None) == expected
    np.testing.assert_array_equal(one.table, other.table)
    assert one.table.max() >= 2


def test_counts_that_were_loaded_merged_or_follow_are_seen():
    one, other = VisitCounter([[0]]), VisitCounter([[0]])
    visits = PlainVisits(one)
    assert visits([3.0, 0.0], [True]) == [1]
    other.visit(np.array([3.0, 0.0]))
    one.merge(other)
    assert visits([3.0, 0.0], [True]) == [3]
    one.load_state_dict(other.state_dict())
    assert visits([3.0, 0.0], [True]) == [2]
    one.follow([[1]])
    assert visits([3.0, 0.0], [True]) == [1]
    assert visits([9.0, 0.0], [True]) == [2]


def test_a_bonus_that_follows_a_scope_pays_by_the_new_one():
    bonus = CountBonus(InfluenceScope.from_dimensions({"a": [[], [0]]}, state_size=2), CountConfig(beta1=1.0))
    step = PlainStep([0.0, 0.0], [0.0, 5.0], [1], [0.0], [True])
    assert [bonus.plain(step, True).total[0] for _ in range(2)] == pytest.approx([1.0, 2**-0.5])
    bonus.follow(InfluenceScope.from_dimensions({"a": [[], [0, 1]]}, state_size=2))
    assert bonus.plain(step, True).total == [1.0]


def test_long_segments_and_devices_take_arrays():
    wide = InfluenceScope.of_everything(["a"], [2], MOST_DIMENSIONS + 1)
    assert not is_small(as_credit(wide))
    assert CountBonus(wide).plain is None
    assert GoalReward(wide).plain is None
    assert CountBonus(InfluenceScope.of_everything(["a"], [2], MOST_DIMENSIONS)).plain is not None
    pytest.importorskip("torch")
    assert CountBonus(SCOPES["mixed"], device="cpu").plain is None
    assert GoalReward(SCOPES["mixed"], device="cpu").plain is None


def test_elementary_actions_open_the_gate_together():
    scope = InfluenceScope.from_dimensions({"a": [[], [0], [], []], "b": [[0], [], [], []]}, state_size=1)
    bonus = CountBonus(scope)
    step = PlainStep([0.0], [1.0], [[0, 1], [1, 2]], [0.0, 0.0], [True, True])
    assert bonus.plain(step, True).parts["common"] == [1.0, 0.0]


@pytest.mark.parametrize(
    "how", [copy.deepcopy, lambda reward: pickle.loads(pickle.dumps(reward))], ids=["copy", "pickle"]
)
def test_a_bonus_that_has_counted_can_be_copied_and_counts_on_by_itself(how):
    bonus = CountBonus(InfluenceScope.from_dimensions({"a": [[], [0]]}, state_size=1))
    step = PlainStep([0.0], [1.0], [1], [0.0], [True])
    bonus.plain(step, True)
    other = how(bonus)
    assert other.plain(step, True).intrinsic == pytest.approx([0.5**0.5])
    assert bonus.plain(step, True).intrinsic == pytest.approx([0.5**0.5]), "the table is not shared"
