"""Read a ``Discrete`` action: a number, or an array of one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from isa_wrappers.arrays import to_numpy
from isa_wrappers.errors import InvalidValueError, shown


def read_discrete(action: Any, count: int, agent: Any) -> int:
    """Return an action as a plain integer in ``[0, count)``.

    Raises:
        InvalidValueError: for anything else, including fractions.

    Example:
        >>> read_discrete(np.array([2]), 3, "a")
        2
        >>> read_discrete(1.7, 3, "a")
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: action of agent 'a' must be from 0 to 2, got 1.7
    """
    number = action if isinstance(action, int | np.integer) else _whole_number(action)
    if number is None or not 0 <= number < count:
        raise InvalidValueError(f"action of agent {agent!r} must be from 0 to {count - 1}, got {shown(action)}")
    return int(number)


def _whole_number(action: Any) -> int | None:
    """Return the single integer in an array of any kind; ``None`` for anything else."""
    try:
        values = np.asarray(to_numpy(action)).reshape(-1)
        return int(values[0]) if len(values) == 1 and values[0] == int(values[0]) else None
    except (TypeError, ValueError, OverflowError):
        return None
