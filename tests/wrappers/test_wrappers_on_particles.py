"""Every wrapper and the full stack on every particle environment of mpe2."""

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

pytest.importorskip("mpe2")

from isa_wrappers import GoalBuffer, InfluenceScope
from isa_wrappers.envs import make_parallel
from isa_wrappers.envs.mpe import mpe_names
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus


def own_motion(env):
    """Say that every action moves its agent's own position."""
    dims = {}
    for agent in env.possible_agents:
        own = [env.state_names.index(f"{agent}.{axis}") for axis in "xy"]
        dims[agent] = [own] * int(env.action_space(agent).n)
    return InfluenceScope.from_dimensions(dims, state_size=len(env.state_names))


def some_goals(size):
    goals = GoalBuffer(size)
    goals.add(np.linspace(-1, 1, 3 * size, dtype=np.float32).reshape(3, size), np.ones(3, dtype=bool))
    return goals


STACKS = {
    "count": lambda env, scope, goals: InfluenceCountBonus(env, scope),
    "recording": lambda env, scope, goals: GoalRecording(env, scope, goals),
    "sampling": lambda env, scope, goals: GoalSampling(env, scope, goals),
    "full": lambda env, scope, goals: GoalSegmentReward(
        GoalSampling(InfluenceCountBonus(env, scope), scope, goals), scope
    ),
}


@pytest.mark.parametrize("name", mpe_names())
@pytest.mark.parametrize("stack", STACKS)
def test_stacks_conform(name, stack):
    def make():
        env = make_parallel(f"mpe/{name}")
        return STACKS[stack](env, own_motion(env), some_goals(len(env.state_names)))

    parallel_api_test(make(), num_cycles=30)
    parallel_seed_test(make)
