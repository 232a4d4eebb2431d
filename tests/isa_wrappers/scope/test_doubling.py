"""More transitions are taken where an action is seldom to be had, and only there."""

import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo import ParallelEnv

from isa_wrappers import ScopeConfig, estimate_scope
from isa_wrappers.arrays import ENV_SEEDS
from isa_wrappers.scope.doubling import collect_enough
from isa_wrappers.scope.estimation import as_batch
from isa_wrappers.scope.estimators import ESTIMATORS
from isa_wrappers.scope.interval_effect import INTERVAL_EFFECT
from isa_wrappers.scope.thin import FEW, times_taken


class Seldom(ParallelEnv):
    """One agent; its lever is to be had in one of ``every`` steps, and pulls by one; a number runs by itself."""

    metadata = {"name": "seldom"}  # noqa: RUF012
    possible_agents = ("a",)

    def __init__(self, every):
        self.every = every

    def observation_space(self, agent):
        return spaces.Box(-np.inf, np.inf, (1,))

    def action_space(self, agent):
        return spaces.Discrete(3)

    def _seen(self):
        mask = np.array([1, 1, self.every > 0 and self.time % self.every == 0], dtype=np.int8)
        return {"a": np.zeros(1, dtype=np.float32)}, {"a": {"action_mask": mask}}

    def reset(self, seed=None, options=None):
        self.seeds = [*getattr(self, "seeds", []), seed]
        self.agents, self.time, self.pulled = ["a"], 1, 0.0
        return self._seen()

    def step(self, actions):
        self.pulled += actions["a"] == 2
        self.time += 1
        observations, infos = self._seen()
        return observations, {"a": 0.0}, {"a": False}, {"a": False}, infos

    def state(self):
        return np.array([self.pulled, self.time % 7], dtype=np.float32)


@pytest.mark.parametrize(("every", "transitions"), [(5, 1_000), (12, 2_000), (20, 4_000), (10**6, 1_000)])
def test_while_an_action_that_is_to_be_had_was_taken_too_seldom(every, transitions):
    config = INTERVAL_EFFECT.settled(ScopeConfig(transitions=1_000))
    parts, settled = collect_enough(as_batch(Seldom(every)), config, 0, INTERVAL_EFFECT, 4_000)
    assert settled.transitions == sum(len(part.actions) for part in parts) == transitions
    assert (times_taken(parts, 3)[0, 2] >= FEW) == (every < 10**6)
    alone = collect_enough(as_batch(Seldom(every)), config, 0, INTERVAL_EFFECT, 1_000)[0]
    np.testing.assert_array_equal(parts[0].actions, alone[0].actions)


@pytest.mark.parametrize("name", ["interval_effect", "interval_effect_in_turn"])
@pytest.mark.parametrize("seed", [3, 2**40])
def test_environments_are_seeded_with_what_any_generator_takes(name, seed):
    """``numpy.random.RandomState`` refuses 2^32 and more; the first seed is the caller's own, as it is."""
    env, estimator = Seldom(20), ESTIMATORS[name]
    collect_enough(as_batch(env), estimator.settled(ScopeConfig(transitions=200)), seed, estimator, 1_600)
    first, *later = [one for one in env.seeds if one is not None]
    assert first == seed
    assert len(later) == len(set(later)) == 3
    assert all(0 <= one < ENV_SEEDS for one in later)


@pytest.mark.slow
def test_the_estimate_takes_more_where_nothing_is_given(monkeypatch):
    monkeypatch.setattr(type(INTERVAL_EFFECT), "transitions", 1_000)
    scope = estimate_scope(Seldom(12))
    assert scope.settings["env_steps"] == scope.settings["transitions"] == 2_000
    assert scope.action_dims["a"] == [[], [], [0]]


@pytest.mark.filterwarnings("ignore:the scope is empty")
def test_what_is_given_is_taken():
    assert estimate_scope(Seldom(200), ScopeConfig(transitions=1_000)).settings["transitions"] == 1_000
    assert ESTIMATORS["nmi_block"].stretches == 1
