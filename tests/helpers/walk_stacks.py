"""Scopes and goals for the walkers of ``parallel_toys`` and for grid/shooting, and stacks of wrappers over them."""

import numpy as np
from parallel_toys import walk_scope_dimensions

from isa_wrappers import GoalBuffer, InfluenceScope
from isa_wrappers.wrappers import GoalSampling, GoalSegmentReward, InfluenceCountBonus

SHOOTING_SCOPE = InfluenceScope.from_dimensions(
    {f"agent_{i}": [[], [2 * i + 1], [2 * i + 1], [2 * i], [2 * i], [6]] for i in range(3)}, state_size=7
)
WON = np.array([[5, 7, 3, 7, 7, 7, 51]], dtype=np.float32)


def goals_with(states):
    goals = GoalBuffer(states.shape[1])
    goals.add(states, np.ones(len(states), dtype=bool))
    return goals


def full_stack(env, scope, goals, **kwargs):
    return GoalSegmentReward(GoalSampling(InfluenceCountBonus(env, scope), scope, goals, **kwargs), scope)


def walk_scope(agents=2):
    return InfluenceScope.from_dimensions(walk_scope_dimensions(agents), state_size=agents)
