"""Statistics of a ParallelEnv are those of a batch of one, and by hand."""

from math import isnan

import numpy as np
import pytest
from parallel_toys import Lasting, WalkEnv
from pettingzoo.test import parallel_api_test

from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.envs import make_parallel
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.wrappers import EpisodeStatistics
from isa_wrappers.wrappers import batch as batched


class Crashing(WalkEnv):
    """Episodes that end after an odd number of steps are lost with their game."""

    def step(self, actions):
        *others, infos = super().step(actions)
        lost = not self.agents and self.time % 2 == 1
        return *others, {agent: {**info, "crashed": lost} for agent, info in infos.items()}


MAKERS = {
    "plain": WalkEnv,
    "deaths": lambda: WalkEnv(deaths=True),
    "late": lambda: WalkEnv(late=True),
    "lasting": Lasting,
    "crashing": Crashing,
    "shooting": lambda: make_parallel("grid/shooting", horizon=12),
}


@pytest.mark.parametrize("name", MAKERS)
def test_they_are_those_of_a_batch_of_one(name):
    env, batch = EpisodeStatistics(MAKERS[name]()), batched.EpisodeStatistics(ParallelEnvBatch([MAKERS[name]()]))
    rng, agents = np.random.default_rng(0), env.possible_agents
    env.reset(seed=1)
    batch.reset(1)
    for _ in range(100):
        # Forward more often than back, so that some episodes are won.
        actions = [int(rng.choice([0, 1, 1, 1, 2])) for _ in agents]
        env.step({agent: action for agent, action in zip(agents, actions, strict=True) if agent in env.agents})
        batch.step(np.array([actions]))
        if not env.agents:
            env.reset()
    taken, other = env.take(), batch.take()
    assert taken == pytest.approx(other, rel=1e-6)
    assert taken["episodes"] > 5
    assert (taken["discarded"] > 0) == (name == "crashing")
    assert env.take()["episodes"] == 0
    assert isnan(env.take()["success_rate"])


def test_an_unfinished_episode_is_forgotten_at_a_reset():
    env = EpisodeStatistics(WalkEnv(agents=1))
    env.reset()
    env.step({"walker_0": 1})
    env.reset()
    for _ in range(8):
        env.step({"walker_0": 0})
    told = {"episodes": 1.0, "success_rate": 0.0, "return_mean": 0.0, "episode_length": 8.0, "discarded": 0.0}
    assert env.take() == told


def test_it_conforms():
    parallel_api_test(EpisodeStatistics(WalkEnv(late=True)), num_cycles=30)
    with pytest.raises(UnsupportedEnvironmentError, match="not a PettingZoo ParallelEnv"):
        EpisodeStatistics(object())
