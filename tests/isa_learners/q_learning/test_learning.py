"""Q-learning learns where it must."""

import pytest
from learner_helpers import algorithm_of

CORNERS = {"num_agents": 2, "grid": 4, "targets": [[3, 3], [0, 3]], "horizon": 10}
SETTINGS = {
    "num_envs": 16,
    "rollout_steps": 10,
    "replay": 400,
    "batch": 32,
    "updates": 4,
    "hidden": 32,
    "optimizer": "adam",
    "lr": 2e-3,
    "gamma": 0.95,
    "td_lambda": 0.6,
    "target_interval": 40,
    "epsilon_steps": 4_000,
    "obs_scale": 0.3,
}


@pytest.mark.slow
@pytest.mark.parametrize("algo", ["qmix", "vdn", "maser"])
def test_two_agents_find_their_corners(algo):
    algorithm = algorithm_of(env="grid/navigation", env_kwargs=CORNERS, algo=algo, q=SETTINGS, steps=100_000)
    assert algorithm.evaluate(8, 0).success_rate == 0.0
    for iteration in range(60):
        algorithm.iterate()
        if iteration > 35 and algorithm.evaluate(8, 1).success_rate == 1.0:
            return
    pytest.fail("they did not within 9,600 steps")
