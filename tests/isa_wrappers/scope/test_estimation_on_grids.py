"""Listening to one agent at a time on the grid tasks: the ground truth of the paper's Section 5."""

import numpy as np
import pytest
from devices import TORCH
from listening_toys import per_block

from isa_wrappers import estimate_scope
from isa_wrappers.envs import make_batch, make_parallel

AGENTS = {"grid/navigation": 7, "grid/unlock": 7, "grid/shooting": 3}


def assert_ground_truth(scope, name, agents=None):
    """Section 5 of the paper: every D(a), D_i, D_c and D_(i-c)."""
    agents, shoots = agents or AGENTS[name], name == "grid/shooting"
    assert scope.agents == tuple(f"agent_{i}" for i in range(agents))
    bullets = [2 * agents] if shoots else []
    assert scope.state_size == (2 * agents + 1 if shoots else 4 * agents)
    for i, agent in enumerate(scope.agents):
        x, y = 2 * i, 2 * i + 1
        assert scope.dim_name(x) == f"{agent}.x"
        assert scope.dim_name(y) == f"{agent}.y"
        expected = {"stay": [], "down": [y], "up": [y], "left": [x], "right": [x]}
        if shoots:
            expected["shoot"] = bullets
        assert dict(zip(scope.action_names, scope.action_dims[agent], strict=True)) == expected
        assert scope.agent_dims[i] == [x, y, *bullets]
        assert scope.special_dims[i] == [x, y]
    assert scope.common_dims == bullets


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", AGENTS)
def test_ground_truth(name, seed):
    env = make_batch(name, num_envs=8 * AGENTS[name])
    assert_ground_truth(estimate_scope(env, per_block(transitions=2000), seed), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS)
def test_ground_truth_pooled(name):
    env = make_batch(name, num_envs=8 * AGENTS[name])
    for seed in range(3):
        config = per_block(transitions=2000, estimator="nmi_pooled")
        assert_ground_truth(estimate_scope(env, config, seed), name)


@pytest.mark.slow
@pytest.mark.parametrize("device", TORCH)
@pytest.mark.parametrize("name", AGENTS)
def test_ground_truth_in_torch(name, device):
    pytest.importorskip("torch")
    env = make_batch(name, num_envs=8 * AGENTS[name], device=device)
    for seed in range(2):
        assert_ground_truth(estimate_scope(env, per_block(), seed), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["grid/unlock", "grid/shooting"])
def test_ground_truth_of_one_parallel_env(name):
    """One copy only, so that agents are listened to one after the other."""
    config = per_block(transitions=1_000)
    assert_ground_truth(estimate_scope(make_parallel(name, num_agents=2), config, 0), name, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS)
def test_ground_truth_with_nothing_chosen(name):
    scope = estimate_scope(make_batch(name, num_envs=8), seed=1)
    assert_ground_truth(scope, name)
    assert (scope.delta, scope.settings["env_steps"]) == (0.1, 10_000)


@pytest.mark.parametrize("delta", [0.3, 0.35, 0.45])
def test_the_threshold_may_vary_as_the_paper_says(delta):
    scope = estimate_scope(make_batch("grid/shooting", num_envs=24), per_block(delta=delta), seed=0)
    assert scope.delta == delta
    assert_ground_truth(scope, "grid/shooting")
    assert_ground_truth(scope.with_delta(0.25), "grid/shooting")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_scope_and_settings_are_kept():
    config = per_block(transitions=300, bin_width=0.5, window=2, estimator="nmi_pooled")
    first, same, other = (
        estimate_scope(make_batch("grid/unlock", num_envs=2, num_agents=2), config, seed) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.influence, same.influence)
    assert not np.array_equal(first.influence, other.influence)
    kept = {"transitions": 300, "delta": 0.3, "bin_width": 0.5, "window": 2, "estimator": "nmi_pooled", "seed": 3}
    assert kept.items() <= first.settings.items()


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS)
def test_chance_is_small_on_the_grid_tasks(name, recwarn):
    scope = estimate_scope(make_batch(name, num_envs=8 * AGENTS[name]), per_block(), seed=0)
    assert 0.0 < scope.chance < 0.06
    assert not recwarn.list
