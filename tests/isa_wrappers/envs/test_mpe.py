"""The particle environments: conformance, the world as state, success, the sparse mode."""

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

pytest.importorskip("mpe2")

from isa_wrappers import ScopeConfig
from isa_wrappers.envs import MPEParallelEnv, available_tasks, estimate_task_scope, make_batch, make_parallel
from isa_wrappers.envs.mpe import SUCCESS, mpe_names
from isa_wrappers.errors import InvalidValueError, UnknownTaskError


@pytest.mark.slow
@pytest.mark.parametrize("name", mpe_names())
def test_every_particle_environment_conforms(name):
    parallel_api_test(make_parallel(f"mpe/{name}"), num_cycles=30)
    parallel_seed_test(lambda: make_parallel(f"mpe/{name}"))


@pytest.mark.parametrize("name", SUCCESS)
def test_sparse_modes_conform(name):
    parallel_api_test(MPEParallelEnv(name, sparse=True, success_distance=0.8), num_cycles=60)


def test_the_state_is_the_world():
    env = make_parallel("mpe/simple_spread_v3", N=2)
    observations, _ = env.reset(seed=0)
    state = dict(zip(env.state_names, env.state(), strict=True))
    assert len(state) == 2 * 4 + 2 * 2
    own = observations["agent_1"]  # velocity, position, landmarks relative to it
    np.testing.assert_allclose([state[f"agent_1.{k}"] for k in ("vx", "vy", "x", "y")], own[:4], rtol=1e-6)
    relative = [state["landmark_0.x"] - state["agent_1.x"], state["landmark_0.y"] - state["agent_1.y"]]
    np.testing.assert_allclose(relative, own[4:6], rtol=1e-5)


def place(env, places):
    """Put agents on given landmarks."""
    for agent, landmark in zip(env.world.agents, places, strict=True):
        agent.state.p_pos = env.world.landmarks[landmark].state.p_pos.copy()
        agent.state.p_vel = np.zeros(2)


def stay(env):
    return dict.fromkeys(env.agents, 0)


def test_spread_is_won_when_every_landmark_is_covered_at_once():
    env = MPEParallelEnv("simple_spread_v3", N=2, sparse=True)
    env.reset(seed=1)
    place(env, [0, 0])
    _, rewards, terminations, _, infos = env.step(stay(env))
    assert rewards == {"agent_0": 0.0, "agent_1": 0.0}
    assert not infos["agent_0"]["success"]
    assert env.agents
    place(env, [1, 0])
    # Agents that sit on different landmarks do not touch here: nothing pushes them before success is told.
    _, rewards, terminations, truncations, infos = env.step(stay(env))
    assert rewards == {"agent_0": 1.0, "agent_1": 1.0}
    assert all(terminations.values())
    assert not any(truncations.values())
    assert infos["agent_1"]["success"]
    assert env.agents == []
    env.reset(seed=2)
    assert env.agents == ["agent_0", "agent_1"]


def test_reference_is_won_when_both_stand_where_the_other_directs_them():
    env = MPEParallelEnv("simple_reference_v3", sparse=True)
    env.reset(seed=3)
    first, second = env.world.agents
    wanted = {first._goal_a.name: first._goal_b, second._goal_a.name: second._goal_b}
    for agent in env.world.agents:
        agent.state.p_pos = wanted[agent.name].state.p_pos.copy()
    first.state.p_pos = first.state.p_pos + 0.2
    assert not env._won()
    first.state.p_pos = wanted[first.name].state.p_pos.copy()
    assert env._won()


def test_layout_seed_draws_one_layout_for_every_episode():
    def landmarks(env, seed):
        env.reset(seed=seed)
        return [landmark.state.p_pos.tolist() for landmark in env.world.landmarks]

    fixed, again, other = (make_parallel("mpe/simple_spread_v3", layout_seed=seed) for seed in (7, 7, 8))
    assert landmarks(fixed, 0) == landmarks(fixed, 1) == landmarks(fixed, None) == landmarks(again, 5)
    assert landmarks(fixed, 0) != landmarks(other, 0)
    free = make_parallel("mpe/simple_spread_v3")
    assert landmarks(free, 0) != landmarks(free, 1)
    with pytest.raises(InvalidValueError, match="layout_seed must be"):
        make_parallel("mpe/simple_spread_v3", layout_seed=-1)


def test_dense_rewards_are_mpe2s_own_and_the_horizon_truncates():
    env, bare = (
        make_parallel("mpe/simple_spread_v3", max_cycles=5),
        make_parallel("mpe/simple_spread_v3", max_cycles=5).env,
    )
    env.reset(seed=4)
    bare.reset(seed=4)
    for _ in range(5):
        _, rewards, terminations, truncations, _ = env.step(stay(env))
        assert rewards == bare.step(stay(bare))[1]
    assert all(truncations.values())
    assert not any(terminations.values())


def test_different_agents_are_padded_into_one_batch():
    batch = make_batch("mpe/simple_speaker_listener_v4", 2)
    step = batch.reset(seed=0)
    assert batch.num_actions == (3, 5)
    assert step.obs.shape == (2, 2, 11)
    assert step.available[0].tolist() == [[True] * 3 + [False] * 2, [True] * 5]


@pytest.mark.slow
def test_scope_of_spread_is_each_agents_own_motion():
    config = ScopeConfig(5_000, delta=0.03, bin_width=0.05, window=3, estimator="nmi_pooled")
    scope = estimate_task_scope("mpe/simple_spread_v3", config, N=2)
    names = [[scope.dim_name(k) for k in dims] for dims in scope.special_dims]
    assert scope.common_dims == []
    assert names == [[f"agent_{i}.{what}" for what in ("x", "y", "vx", "vy")] for i in range(2)]


def test_bad_input_is_named():
    assert "mpe/simple_spread_v3" in available_tasks()
    with pytest.raises(UnknownTaskError, match="'simple_spred_v3'; did you mean 'simple_spread_v3'"):
        make_parallel("mpe/simple_spred_v3")
    with pytest.raises(InvalidValueError, match="no sparse mode: success is defined for simple_spread_v3"):
        make_parallel("mpe/simple_tag_v3", sparse=True)
    with pytest.raises(InvalidValueError, match="does not accept these options"):
        make_parallel("mpe/simple_spread_v3", banana=1)
    with pytest.raises(InvalidValueError, match="success_distance must be"):
        make_parallel("mpe/simple_spread_v3", success_distance=-1.0)
