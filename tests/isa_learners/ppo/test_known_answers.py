"""Games whose answers are known, for policies that are shared, each agent's own, and updated one after the other."""

import pytest
from matrix_game import earned

from isa_learners.ppo import PPOConfig, PPOLearner
from isa_learners.rollout import Sizes

SETTINGS = {
    "num_envs": 32,
    "rollout_steps": 4,
    "buffer_rollouts": 1,
    "epochs": 4,
    "hidden": 8,
    "lr": 1e-2,
    "critic": "state",
}
KINDS = {
    "shared": {},
    "own": {"share_parameters": False},
    "sequential": {"share_parameters": False, "sequential": True},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_best_joint_action_is_found(kind):
    def make(env):
        return PPOLearner(Sizes.of(env), PPOConfig(**SETTINGS, **KINDS[kind]), "cpu", 0)

    assert earned(make, [[6.0, 1.0], [1.0, 2.0]], 25) == 6.0
    assert earned(make, [[2.0, 1.0], [1.0, 6.0]], 25) == 6.0
