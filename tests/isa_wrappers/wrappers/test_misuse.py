"""A wrapper that is stepped too soon, or with too few actions, says so in a line."""

import batch_toys
import numpy as np
import pytest
from parallel_toys import WalkEnv

from isa_wrappers import BatchWrapper, GoalBuffer, InfluenceScope
from isa_wrappers.arrays import to_backend
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.wrappers import InfluenceCountBonus, batch


class Strict(WalkEnv):
    def step(self, actions):
        return super().step({agent: actions[agent] for agent in self.agents})


def bonus():
    scope = InfluenceScope.from_dimensions({f"walker_{i}": [[], [i], [i]] for i in range(2)}, state_size=2)
    return InfluenceCountBonus(Strict(), scope)


def test_a_step_before_the_reset():
    with pytest.raises(UnsupportedEnvironmentError, match=r"InfluenceCountBonus was called before reset\(\)"):
        bonus().step({"walker_0": 0, "walker_1": 0})


def test_living_agents_without_an_action():
    env = bonus()
    env.reset(seed=0)
    with pytest.raises(UnsupportedEnvironmentError, match="one for each active agent, but 'walker_1' is missing"):
        env.step({"walker_0": 0})


class Other(BatchWrapper):
    """Hands over arrays of another kind than its device says."""

    def __init__(self, made_on, says):
        super().__init__(batch_toys.walks(2, made_on))
        self.device = says


MADE = {
    "EpisodeStatistics": lambda env, scope: batch.EpisodeStatistics(env),
    "GoalRecording": lambda env, scope: batch.GoalRecording(env, GoalBuffer(2, device=env.device)),
    "GoalSampling": lambda env, scope: batch.GoalSampling(env, some_goals(env.device), scope),
    "RewardWrapper": lambda env, scope: batch.InfluenceCountBonus(env, scope),
}


def some_goals(device):
    goals = GoalBuffer(2, device=device)
    goals.add(to_backend(np.zeros((1, 2)), device), to_backend(np.array([True]), device))
    return goals


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize(
    ("made_on", "says", "wanted"),
    [
        (None, "cpu", "a torch tensor on 'cpu', since its device is 'cpu', got ndarray"),
        ("cpu", None, "a NumPy array, since its device is None, got Tensor"),
    ],
)
def test_a_batch_whose_arrays_are_of_another_kind_than_its_device(kind, made_on, says, wanted):
    pytest.importorskip("torch")
    scope = InfluenceScope.from_dimensions({agent: [[], [i], [i]] for i, agent in enumerate("ab")}, state_size=2)
    with pytest.raises(UnsupportedEnvironmentError, match=f"obs of Other at the reset must be {wanted}"):
        MADE[kind](Other(made_on, says), scope).reset(0)
