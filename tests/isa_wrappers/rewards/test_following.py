"""Rewards continue with a scope that has grown: what stays keeps its counts, what has grown starts anew."""

import numpy as np
import pytest
from devices import DEVICES

from isa_wrappers import CountBonus, CountConfig, GoalReward, InfluenceScope, VisitCounter
from isa_wrappers.arrays import backend, to_backend, to_numpy
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.rewards.base import IntrinsicReward
from isa_wrappers.rewards.transition import Transition
from isa_wrappers.scope.credit import credit_for

K = 5


def scope_of(common=(), special=((0, 1), (2,))):
    """Two agents; the first action does nothing, the second moves what is special, the third what is common."""
    return InfluenceScope.from_dimensions(
        {name: [[], list(own), list(common)] for name, own in zip("ab", special, strict=True)}, K
    )


@pytest.fixture(params=DEVICES)
def device(request):
    if request.param:
        pytest.importorskip("torch")
    return request.param


def states(device, seed=0, number=200):
    values = np.random.default_rng(seed).integers(0, 4, (number, K)).astype(np.float32)
    return backend(device).asarray(values, device=device)


def step_of(state, action=2):
    device = None if isinstance(state, np.ndarray) else str(state.device)
    shape = (len(state), 2)
    rows = np.full(shape, action), np.zeros(shape, dtype=np.float32), np.ones(shape, dtype=bool)
    actions, reward, alive = (to_backend(array, device) for array in rows)
    return Transition(None, state, None, actions, reward, alive)


@pytest.mark.parametrize("widest", [(3,), (1, 2, 3, 4)], ids=["no wider", "wider"])
def test_a_segment_that_stays_keeps_its_counts_whatever_the_others_become(device, widest):
    """Where a key is counted depends on multipliers, which are laid out by the widest segment."""
    counter = VisitCounter([[], [0, 1], [2]], device=device)
    seen = states(device)
    counter.visit(seen)
    before = to_numpy(counter.count(seen)).copy()
    counter.follow([widest, [0, 1], [2]])
    after = to_numpy(counter.count(seen))
    np.testing.assert_array_equal(after[:, 1:], before[:, 1:])
    assert not after[:, 0].any(), "a new key: never met"
    exact = VisitCounter([widest], device=device)
    np.testing.assert_array_equal(to_numpy(counter.visit(seen))[:, 0], to_numpy(exact.visit(seen))[:, 0])
    np.testing.assert_array_equal(to_numpy(counter.count(seen))[:, 1:], 2 * before[:, 1:])


def test_a_segment_that_changed_starts_anew(device):
    counter = VisitCounter([[], [0, 1], [2]], device=device)
    seen = states(device)
    counter.visit(seen)
    counter.follow([[], [0, 1, 3], [2]])
    counts = to_numpy(counter.count(seen))
    assert not counts[:, 1].any()
    assert counts[:, [0, 2]].all()


def test_counts_that_followed_are_saved_and_restored(device):
    counter, fresh = (
        VisitCounter([[], [0, 1], [2]], device=device),
        VisitCounter([[0, 1, 2, 3], [0, 1], [2]], device=device),
    )
    seen = states(device)
    counter.visit(seen)
    counter.follow([[0, 1, 2, 3], [0, 1], [2]])
    fresh.load_state_dict(counter.state_dict())
    more = states(device, seed=1)
    np.testing.assert_array_equal(to_numpy(fresh.visit(more)), to_numpy(counter.visit(more)))


def test_counts_of_before_hashes_were_saved_are_read():
    counter, other = VisitCounter([[0], [1, 2]]), VisitCounter([[0], [1, 2]])
    counter.visit(states(None))
    state = counter.state_dict()
    del state["multipliers"]
    other.load_state_dict(state)
    np.testing.assert_array_equal(other.count(states(None)), counter.count(states(None)))


def test_counters_that_hash_differently_do_not_merge():
    followed, fresh = VisitCounter([[], [0]]), VisitCounter([[0, 1, 2], [0]])
    followed.follow([[0, 1, 2], [0]])
    with pytest.raises(ScopeMismatchError, match="hash differently: one of them has followed a scope"):
        fresh.merge(followed)
    with pytest.raises(InvalidValueError, match="number of segments must stay 2, got 3"):
        fresh.follow([[0], [1], [2]])
    state = {**fresh.state_dict(), "multipliers": np.zeros((2, 1), dtype=np.int64)}
    with pytest.raises(ScopeMismatchError, match=r"saved multipliers must have shape \[2, 3\], got \[2, 1\]"):
        fresh.load_state_dict(state)


def test_a_bonus_pays_for_what_is_new_and_knows_what_is_not(device):
    bonus = CountBonus(scope_of(), CountConfig(beta1=0.5), device)
    state = states(device, number=1)
    for _ in range(4):
        bonus(step_of(state))
    assert to_numpy(bonus(step_of(state), update=False).parts["common"]).tolist() == [[0.0, 0.0]]
    bonus.follow(scope_of(common=[3]))
    paid = bonus(step_of(state))
    assert to_numpy(paid.parts["common"]).tolist() == [[1.0, 1.0]], "the third action is credited for it, met first now"
    np.testing.assert_allclose(to_numpy(paid.parts["special"]), [[5**-0.5, 5**-0.5]], rtol=1e-6)
    fresh = CountBonus(scope_of(common=[3]), CountConfig(beta1=0.5), device)
    assert fresh.counter.segments == bonus.counter.segments
    assert to_numpy(bonus(step_of(state, action=1)).parts["common"]).tolist() == [[0.0, 0.0]], "nor is the second"


def test_bonuses_that_share_a_counter_follow_together():
    one = CountBonus(scope_of())
    other = CountBonus(scope_of(), counter=one.counter)
    state = states(None, number=1)
    one(step_of(state))
    for bonus in (one, other):
        bonus.follow(scope_of(common=[3]))
    one(step_of(state))
    assert other.counter.count(state).tolist() == [[1, 2, 2]]


def test_a_goal_reward_that_followed_is_as_one_made_anew(device):
    xp = backend(device)
    before, after, goal = (states(device, seed) for seed in range(3))
    step = step_of(after)._replace(s_t=before, goal=goal, reward=xp.zeros((200, 2), dtype=xp.float32, device=device))
    followed, fresh = GoalReward(scope_of(), device=device), GoalReward(scope_of(common=[3, 4]), device=device)
    assert not np.array_equal(to_numpy(followed(step).total), to_numpy(fresh(step).total))
    followed.follow(credit_for(scope_of(common=[3, 4])))
    np.testing.assert_array_equal(to_numpy(followed(step).total), to_numpy(fresh(step).total))


@pytest.mark.parametrize("kind", [CountBonus, GoalReward])
def test_another_environments_scope_is_refused(kind):
    reward = kind(scope_of())
    with pytest.raises(ScopeMismatchError, match="state size"):
        reward.follow(InfluenceScope.from_dimensions({"a": [[]] * 3, "b": [[]] * 3}, K + 1))
    assert reward.credit.state_size == K


class Still(IntrinsicReward):
    name, parts = "still", ()

    def __call__(self, transition, update=True):
        raise NotImplementedError


def test_a_reward_that_knows_no_scope_has_nothing_to_follow_and_any_other_says_how():
    reward = Still()
    reward.follow(scope_of())
    reward.credit = credit_for(scope_of())
    with pytest.raises(InvalidValueError, match=r"'still' cannot follow a scope: Still does not override follow\(\)"):
        reward.follow(scope_of())
