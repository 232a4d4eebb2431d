"""Goal selectors, which choose won states as the next goals."""

from __future__ import annotations

from collections.abc import Callable

from isa_wrappers.arrays import Array
from isa_wrappers.registry import Registry
from isa_wrappers.rewards.goals import GoalBuffer, GoalSelector


def uniform(goals: GoalBuffer, draws: Array) -> Array:
    """Draw uniformly from the buffer, as in Algorithm 1."""
    return goals.draw(draws)


def latest(goals: GoalBuffer, draws: Array) -> Array:
    """Select the latest won state.

    Example:
        >>> import numpy as np
        >>> goals = GoalBuffer(state_size=1, capacity=2)
        >>> goals.add(np.array([[1.0], [2.0], [3.0]]), np.array([True, True, True]))
        >>> latest(goals, np.array([0.1, 0.9])).tolist()
        [[3.0], [3.0]]
    """
    return goals.recent(0 * draws)


GOAL_SELECTORS: Registry[GoalSelector] = Registry(
    "goal selector",
    "isa_marl.goal_selectors",
    {"uniform": "isa_wrappers.rewards.selectors:uniform", "latest": "isa_wrappers.rewards.selectors:latest"},
    Callable,
)
"""The selectors by name; add others with entry points or :meth:`Registry.register`."""
