"""A wrapper that is stepped too soon, or with too few actions, says so in a line."""

import pytest
from parallel_toys import WalkEnv

from isa_wrappers import InfluenceScope
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.wrappers import InfluenceCountBonus


class Strict(WalkEnv):
    def step(self, actions):
        return super().step({agent: actions[agent] for agent in self.agents})


def bonus():
    scope = InfluenceScope.from_dimensions({f"walker_{i}": [[], [i], [i]] for i in range(2)}, state_size=2)
    return InfluenceCountBonus(Strict(), scope)


def test_a_step_before_the_reset():
    with pytest.raises(UnsupportedEnvironmentError, match=r"step\(\) of InfluenceCountBonus before reset\(\)"):
        bonus().step({"walker_0": 0, "walker_1": 0})


def test_living_agents_without_an_action():
    env = bonus()
    env.reset(seed=0)
    with pytest.raises(UnsupportedEnvironmentError, match="of each agent that lives, and lack 'walker_1'"):
        env.step({"walker_0": 0})
