"""What is legal in environments, rewards and wrappers of one's own, and was once refused or broken by a check."""

from dataclasses import dataclass

import numpy as np
import pytest
from gymnasium import spaces
from parallel_toys import WalkEnv

from isa_wrappers import BatchWrapper, IntrinsicReward, ScopeConfig, episodes_of, estimate_scope
from isa_wrappers.batch import BatchStep, ParallelEnvBatch
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import NonFiniteError, UnsupportedEnvironmentError
from isa_wrappers.rewards import RewardParts
from isa_wrappers.wrappers import RewardWrapper, ScopeWrapper
from isa_wrappers.wrappers.batch import EpisodeStatistics


class Broken(WalkEnv):
    """Its resets fail once it is broken."""

    broken = False

    def reset(self, seed=None, options=None):
        if self.broken:
            raise KeyError("level_7")
        return super().reset(seed, options)


def test_a_reset_that_fails_is_no_saved_state_that_does_not_fit():
    inner = Broken()
    env = EpisodeStatistics(ParallelEnvBatch([inner]))
    env.reset(seed=0)
    inner.broken = True
    with pytest.raises(KeyError, match="level_7"):
        env.load_state_dict(env.state_dict())


class Ghost(WalkEnv):
    """Lets somebody whom nobody knows end and stay."""

    def step(self, actions):
        observations, rewards, _, _, infos = super().step(actions)
        self.agents = [*self.agents, "ghost"]
        return observations, {**rewards, "ghost": 0.0}, {"ghost": True}, {}, infos


def test_somebody_unknown_who_stays_is_named():
    env = ScopeWrapper(Ghost(), None)
    env.reset(seed=0)
    with pytest.raises(UnsupportedEnvironmentError, match="agent 'ghost' is not among possible_agents"):
        env.step(dict.fromkeys(env.agents, 0))


class Counting(IntrinsicReward):
    """Saves what it has seen beside whatever its base does."""

    name, parts = "counting", ("pay",)

    def __init__(self):
        self.seen = np.zeros(1)

    def __call__(self, transition, update=True):
        self.seen = self.seen + update
        return RewardParts(transition.reward * 0, transition.reward * 0, {"pay": transition.reward * 0})

    def state_dict(self):
        return {**super().state_dict(), "seen": self.seen}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.seen = state["seen"]


def test_a_reward_may_ask_its_base_to_load():
    env = RewardWrapper(WalkEnv(), Counting())
    env.reset(seed=0)
    env.step(dict.fromkeys(env.agents, 0))
    other = RewardWrapper(WalkEnv(), Counting())
    other.load_state_dict(env.state_dict())
    assert other.reward.seen.tolist() == [1.0]


class Beside(BatchWrapper):
    """Saves beside what the environment saves."""

    told = np.ones(1)

    def state_dict(self):
        return {**self.env.state_dict(), "told": self.told}

    def load_state_dict(self, state):
        self.told = state["told"]
        return self.env.load_state_dict(state)


def test_a_batched_wrapper_may_save_beside_the_environment():
    env = Beside(ParallelEnvBatch([WalkEnv()]))
    env.reset(seed=0)
    env.load_state_dict(env.state_dict())


class Later(ScopeWrapper):
    """Has something to save only after a step."""

    seen = None

    def _advance(self, turn):
        self.seen = np.ones(1)
        return super()._advance(turn)

    def state_dict(self):
        return {**super().state_dict(), **({} if self.seen is None else {"seen": self.seen})}

    def _load(self, state):
        super()._load(state)
        self.seen = state.get("seen")


def test_a_wrapper_may_have_something_to_save_only_later():
    env, fresh = Later(WalkEnv(), None), Later(WalkEnv(), None)
    env.reset(seed=0)
    env.step(dict.fromkeys(env.agents, 0))
    fresh.load_state_dict(env.state_dict())
    assert fresh.seen.tolist() == [1.0]


class Raising(WalkEnv):
    @property
    def env(self):
        raise RuntimeError("engine not started")


class Circular(WalkEnv):
    def __init__(self):
        super().__init__()
        self.env = self


@pytest.mark.parametrize("kind", [Raising, Circular])
def test_an_attribute_called_env_may_be_anything(kind):
    assert estimate_scope(kind(), ScopeConfig(transitions=300)).agents == tuple(WalkEnv().possible_agents)


@dataclass(frozen=True, kw_only=True)
class Rich(BatchStep):
    level: int = 0


class Telling(BatchWrapper):
    def reset(self, seed=None):
        return Rich(**vars(self.env.reset(seed)), level=3)


def test_a_step_may_say_more():
    assert EpisodeStatistics(Telling(make_batch("grid/unlock", 2))).reset(0).level == 3


def test_recorded_ends_may_be_truth_values_in_an_array_of_objects():
    ends = np.array([False, False, True], dtype=object)
    (episode,) = episodes_of(np.zeros((4, 2)), np.zeros((3, 1), dtype=int), ends)
    assert len(episode.actions) == 3


class Wide(WalkEnv):
    """Shows a number that float32 does not hold, after a step."""

    def observation_space(self, agent):
        return spaces.Box(-np.inf, np.inf, (2,), np.float64)

    def reset(self, seed=None, options=None):
        _, infos = super().reset(seed, options)
        return {agent: np.zeros(2) for agent in self.agents}, infos

    def step(self, actions):
        _, *rest = super().step(actions)
        return {agent: np.array([0.0, 1e39]) for agent in self.possible_agents}, *rest


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_number_beyond_float32_is_named_with_its_agent():
    batch = ParallelEnvBatch([Wide()])
    batch.reset(seed=0)
    with pytest.raises(
        NonFiniteError, match=r"agent 'walker_0' in step 1, element 1 must be within the range of float32"
    ):
        batch.step(np.zeros((1, len(batch.agents)), dtype=int))
