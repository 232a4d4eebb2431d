"""The PettingZoo form: conformance, determinism, spaces, episode ends, copies."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from grid_play import NAMES, ONE_UP
from gymnasium.utils.env_checker import data_equivalence
from pettingzoo.test import parallel_api_test, parallel_seed_test

from isa_wrappers.envs.grid.parallel import GridParallelEnv


@pytest.fixture(params=[(name, targets) for name in NAMES for targets in ("listed", "random")], ids="-".join)
def make(request):
    name, targets = request.param
    return lambda **options: GridParallelEnv(name, targets=targets, **options)


def episode(env, actions_seed, **reset):
    """Play one episode at random; return all that was seen."""
    rng = np.random.default_rng(actions_seed)
    record = [env.reset(**reset), env.state()]
    while env.agents:
        actions = {agent: int(rng.integers(env.action_space(agent).n)) for agent in env.agents}
        record += [env.step(actions), env.state()]
    return record


def test_pettingzoo_conformance(make, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(make(), num_cycles=130)
        parallel_seed_test(make, num_cycles=130)


def test_whole_episodes_repeat_from_the_seed(make):
    one, other = make(), make()
    first = episode(one, actions_seed=1, seed=7)
    assert len(first) == 2 + 2 * 60
    assert data_equivalence(first, episode(other, actions_seed=1, seed=7))
    # Unseeded episodes go on from the same generator.
    second = episode(one, actions_seed=2)
    assert data_equivalence(second, episode(other, actions_seed=2))
    assert data_equivalence(first, episode(one, actions_seed=1, seed=7))


def test_spaces_are_the_same_objects_and_hold_what_is_seen(make):
    env = make(horizon=25)
    for agent in env.possible_agents:
        assert env.observation_space(agent) is env.observation_space(agent)
        assert env.action_space(agent) is env.action_space(agent)
        assert np.isfinite(env.observation_space(agent)["observation"].high).all()
    assert env.state_space is env.state_space
    rng = np.random.default_rng(0)
    observations, infos = env.reset(seed=0)
    assert infos == {agent: {"success": False} for agent in env.possible_agents}
    while True:
        for agent in env.possible_agents:
            assert env.observation_space(agent).contains(observations[agent])
            assert observations[agent]["observation"].dtype == np.float32
            assert observations[agent]["action_mask"].dtype == np.int8
        assert env.state_space.contains(env.state())
        assert env.state().dtype == np.float32
        if not env.agents:
            break
        observations = env.step({agent: int(rng.integers(env.action_space(agent).n)) for agent in env.agents})[0]


def test_bounds_are_cells_and_bullets():
    navigation, shooting = GridParallelEnv("navigation"), GridParallelEnv("shooting", horizon=20)
    assert set(navigation.state_space.high.tolist()) == {19}
    assert shooting.state_space.high.tolist() == [9] * 6 + [60]
    assert shooting.observation_space("agent_1")["observation"].high.tolist() == [9, 9, 60]
    assert not shooting.state_space.low.any()


def test_names_and_metadata():
    env = GridParallelEnv("shooting")
    assert str(env) == "grid/shooting"
    assert env.metadata["render_modes"] == ["rgb_array", "ansi"]
    assert env.metadata["is_parallelizable"]
    assert env.state_names[-1] == "bullets"
    assert env.action_names[-1] == "shoot"
    assert (env.max_num_agents, env.num_agents, env.horizon) == (3, 0, 60)
    env.reset()
    assert env.num_agents == 3
    assert GridParallelEnv.metadata["name"] == "grid"


def test_returned_arrays_are_the_callers():
    env = GridParallelEnv("shooting")
    observations, _ = env.reset()
    env.state()[:] = -1
    observations["agent_0"]["observation"][:] = -1
    observations["agent_0"]["action_mask"][:] = 0
    assert env.state().tolist() == [1, 1, 1, 1, 1, 1, 0]
    assert env.step(dict.fromkeys(env.agents, 0))[0]["agent_0"]["observation"].tolist() == [1, 1, 0]


def test_success_terminates_every_agent():
    env = GridParallelEnv("navigation", 2, grid=4, targets=[(0, 1), (1, 0)])
    env.reset()
    _, rewards, *_ = env.step({"agent_0": 2, "agent_1": 0})
    assert rewards == {"agent_0": 1.0, "agent_1": 1.0}
    observations, rewards, terminations, truncations, infos = env.step({"agent_0": 0, "agent_1": 4})
    assert rewards == {"agent_0": 1.0, "agent_1": 1.0}
    assert terminations == {"agent_0": True, "agent_1": True}
    assert truncations == {"agent_0": False, "agent_1": False}
    assert infos == {"agent_0": {"success": True}, "agent_1": {"success": True}}
    assert env.agents == []
    assert env.state().tolist() == [0, 1, 1, 0, 0, 1, 1, 0]
    assert observations["agent_1"]["action_mask"].tolist() == [1, 0, 0, 0, 0]


def test_horizon_truncates_and_a_win_on_it_does_not():
    for horizon, won in ((2, True), (1, False)):
        env = GridParallelEnv(**ONE_UP, horizon=horizon)
        env.reset()
        for _ in range(horizon):
            assert env.agents
            _, _, terminations, truncations, infos = env.step({"agent_0": 2})
        assert (terminations["agent_0"], truncations["agent_0"]) == (won, not won)
        assert infos["agent_0"]["success"] is won
        assert env.agents == []


def test_copies_and_pickles_go_on_alike():
    env = GridParallelEnv("navigation", targets="random")
    env.reset(seed=3)
    twins = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    expected = episode(env, actions_seed=0)
    assert all(data_equivalence(expected, episode(twin, actions_seed=0)) for twin in twins)
