"""Statistics of a ParallelEnv are those of a batch of one, and by hand."""

from math import isnan

import numpy as np
import pytest
from border_toys import Optionless, Told, paid
from parallel_toys import Lasting, WalkEnv
from pettingzoo.test import parallel_api_test

from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.envs import make_parallel
from isa_wrappers.errors import NonFiniteError, UnsupportedEnvironmentError
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


def test_what_a_border_takes_is_taken():
    env = EpisodeStatistics(Optionless(), success=1)
    assert env.reset(seed=0)[1] is None
    while env.agents:
        _, rewards, *_, infos = env.step(dict.fromkeys(env.agents, 1))
        assert infos is None
        assert rewards["walker_0"].shape == (1,)
    taken = env.take()
    told = {"episodes": 1.0, "success_rate": 1.0, "return_mean": 1.0, "episode_length": 3.0, "discarded": 0.0}
    assert taken == told
    assert {type(value) for value in taken.values()} == {float}


def test_an_info_that_is_none_reaches_the_rule_as_a_dict():
    env = EpisodeStatistics(WalkEnv(horizon=1), success=lambda env, infos: infos["walker_0"].get("won", True))
    env.env._infos = lambda won=False: {"walker_0": None}
    env.reset()
    assert env.step({"walker_0": 0, "walker_1": 0})[-1] == {"walker_0": None}
    assert env.take()["success_rate"] == 1.0


@pytest.mark.parametrize(("reward", "error"), [(np.nan, NonFiniteError), ("much", UnsupportedEnvironmentError)])
def test_rewards_that_are_no_numbers_are_named(reward, error):
    env = EpisodeStatistics(paid("walker_0", reward))
    env.reset()
    with pytest.raises(error, match=r"reward.*'walker_0'.*in step 1"):
        env.step({"walker_0": 0, "walker_1": 0})


def test_rewards_in_float32_add_up_in_float64():
    env = EpisodeStatistics(paid("walker_0", np.float32(0.1)))
    env.reset()
    while env.agents:
        env.step(dict.fromkeys(env.agents, 0))
    assert env.take()["return_mean"] == pytest.approx(8 * float(np.float32(0.1)) / 2, rel=1e-12)


def test_it_conforms():
    parallel_api_test(EpisodeStatistics(WalkEnv(late=True)), num_cycles=30)
    with pytest.raises(UnsupportedEnvironmentError, match="not a PettingZoo ParallelEnv"):
        EpisodeStatistics(object())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda time, *said: said[:4] if time else said, r"step\(\) of walk returned 4 values"),
        (
            lambda time, *said: (said[0], [1.0, 1.0], *said[2:]) if time else said,
            "returned rewards that are not a dict",
        ),
        (lambda time, *said: said if time else said[0], r"reset\(\) of walk returned only observations"),
    ],
)
def test_what_is_no_step_is_one_line(change, says):
    env = EpisodeStatistics(Told(change))

    def play():
        env.reset(seed=0)
        env.step(dict.fromkeys(env.agents, 1))

    with pytest.raises(UnsupportedEnvironmentError, match=says):
        play()
