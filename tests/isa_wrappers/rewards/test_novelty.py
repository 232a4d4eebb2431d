"""Novelty by counts against dictionaries, and under a learner."""

from collections import Counter
from math import floor

import numpy as np
import pytest
from devices import DEVICES
from learner_helpers import algorithm_of
from reward_oracles import on

from isa_wrappers.arrays import to_numpy
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards import REWARDS, RewardContext, make_reward
from isa_wrappers.rewards.novelty import NoveltyConfig, ObservationNovelty, StateNovelty
from isa_wrappers.rewards.transition import Transition

B, A, K, O = 4, 3, 2, 3  # noqa: E741


def steps(device, seed=0, count=30):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield Transition(
            s_t=None,
            s_tp1=on(device, rng.uniform(-2, 2, (B, K)).astype(np.float32)),
            obs_tp1=on(device, rng.uniform(-2, 2, (B, A, O)).astype(np.float32)),
            actions=on(device, np.zeros((B, A), dtype=np.int64)),
            reward=on(device, rng.normal(size=(B, A)).astype(np.float32)),
            alive=on(device, rng.random((B, A)) < 0.7),
        )


def key(values, scale):
    return tuple(floor(float(x) * scale + 0.5) for x in values)


@pytest.mark.parametrize("device", DEVICES)
def test_states_against_a_dictionary(device):
    novelty, seen = StateNovelty(K, NoveltyConfig(count_scale=2.0), device), Counter()
    for step in steps(device):
        rows = [key(row, 2.0) for row in to_numpy(step.s_tp1)]
        seen.update(rows)
        paid = np.array([[seen[row] ** -0.5] * A for row in rows]) * to_numpy(step.alive)
        found = novelty(step)
        np.testing.assert_allclose(to_numpy(found.intrinsic), paid, rtol=1e-6)
        np.testing.assert_allclose(to_numpy(found.total), paid + to_numpy(step.reward), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("device", DEVICES)
def test_observations_against_a_dictionary(device):
    novelty, seen = ObservationNovelty(O, NoveltyConfig(count_scale=1.0), device), Counter()
    for step in steps(device):
        alive, obs = to_numpy(step.alive), to_numpy(step.obs_tp1)
        seen.update(key(obs[b, i], 1.0) for b in range(B) for i in range(A) if alive[b, i])
        paid = [[seen[key(obs[b, i], 1.0)] ** -0.5 if alive[b, i] else 0.0 for i in range(A)] for b in range(B)]
        np.testing.assert_allclose(to_numpy(novelty(step).intrinsic), paid, rtol=1e-6)


@pytest.mark.parametrize("name", ["count_state", "count_observation"])
def test_looking_up_counts_nothing_and_counts_are_kept(name):
    context = RewardContext(("a", "b", "c"), (2, 2, 2), O, K)
    novelty, other = make_reward(name, context), make_reward(name, context)
    for step in steps(None):
        novelty(step)
    last = next(steps(None))
    before = novelty(last, update=False).total
    np.testing.assert_array_equal(novelty(last, update=False).total, before)
    other.load_state_dict(novelty.state_dict())
    np.testing.assert_array_equal(other(last, update=False).total, before)
    assert REWARDS[name].description


@pytest.mark.parametrize("name", ["count_state", "count_observation"])
def test_any_algorithm_may_be_paid_for_it(name):
    algorithm = algorithm_of(algo="ippo", intrinsic=name)
    for _ in range(3):
        algorithm.iterate()
    assert name in algorithm.config.sections


def test_others_sizes_are_refused():
    step = next(steps(None))
    with pytest.raises(InvalidValueError, match=r"s_tp1 must be an array of shape \[..., 5\]"):
        StateNovelty(5)(step)
    with pytest.raises(InvalidValueError, match=r"obs_tp1 must be an array of shape \[..., 5\]"):
        ObservationNovelty(5)(step)
    with pytest.raises(InvalidValueError, match="count_scale"):
        NoveltyConfig(count_scale=0.0)


@pytest.mark.parametrize("device", DEVICES)
def test_a_state_in_which_nobody_acted_is_not_visited(device):
    novelty, one = StateNovelty(K, None, device), next(steps(device))
    lost = one._replace(alive=one.alive & False)
    for _ in range(3):
        novelty(lost)
    assert not to_numpy(novelty.counter.table).any()
