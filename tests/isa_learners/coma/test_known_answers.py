"""Games whose answers are known."""

import pytest
from matrix_game import earned

from isa_learners.coma import ComaConfig, ComaLearner
from isa_learners.rollout import Sizes

SETTINGS = {
    "num_envs": 32,
    "rollout_steps": 4,
    "hidden": 8,
    "critic_width": 16,
    "optimizer": "adam",
    "lr": 1e-2,
    "critic_lr": 1e-2,
    "target_interval": 10,
    "epsilon_steps": 4_000,
}


@pytest.mark.slow
@pytest.mark.parametrize(("payoffs", "best"), [([[0.0, 1.0], [1.0, 8.0]], 8.0), ([[6.0, 1.0], [1.0, 2.0]], 6.0)])
def test_the_best_joint_action_is_found(payoffs, best):
    def make(env):
        return ComaLearner(Sizes.of(env), ComaConfig(**SETTINGS), "cpu", 0)

    assert earned(make, payoffs, 60) == best
