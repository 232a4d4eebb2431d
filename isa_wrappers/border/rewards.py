"""Read the rewards of an environment as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from isa_wrappers.errors import NonFiniteError, UnsupportedEnvironmentError


def plain_rewards(rewards: Mapping[str, Any], steps: int) -> dict[str, float]:
    """Return rewards as plain numbers; numbers are returned unchanged.

    Args:
        rewards: rewards by agent; arrays of one number are accepted.
        steps: number of the step, for messages.

    Raises:
        UnsupportedEnvironmentError: if a reward is not a number.
        NonFiniteError: if a reward is NaN or infinite.

    Example:
        >>> plain_rewards({"a": np.array([2.0]), "b": 1}, 1)
        {'a': 2.0, 'b': 1}
    """
    numbers: dict[str, float] = rewards  # type: ignore[assignment]
    try:
        total = sum(rewards.values())
    except (TypeError, ValueError):  # such as None, or vectors of different lengths
        total = None
    if type(total) is float and isfinite(total):
        return numbers
    for agent, reward in rewards.items():
        if type(reward) is not float:
            number = _number(agent, reward, steps)
            if number is not reward:
                numbers = {**numbers, agent: number}
            reward = number
        if not isfinite(reward):
            raise NonFiniteError(f"reward must be finite: agent {agent!r} has {reward} in step {steps}")
    return numbers


def _number(agent: str, reward: Any, steps: int) -> Any:
    if isinstance(reward, int | float | np.number | np.bool_):
        return reward
    size = getattr(reward, "numel", None) or getattr(reward, "size", None)
    if (size() if callable(size) else size) == 1:
        return float(reward.item())
    raise UnsupportedEnvironmentError(f"the reward of agent {agent!r} in step {steps} must be a number, got {reward!r}")
