"""Meaning of each number of an observation: seen by the agent, padding, or a shown dimension of the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

OWN, PADDING = -1, -2


def obs_columns_of(env: Any) -> npt.NDArray[np.int64]:
    """Return the meaning of each number of each agent's observation: ``[A, O]``.

    It is :data:`OWN` for what the agent sees, :data:`PADDING` for the zeros after it, or the index of the state
    dimension shown there, as for goals. Without ``obs_columns``, all numbers count as seen by the agent.
    """
    columns, shape = getattr(env, "obs_columns", None), (len(env.agents), env.obs_size)
    if columns is None or columns.shape != shape:  # a third-party wrapper may have changed the size
        return np.full(shape, OWN, dtype=np.int64)
    return columns  # type: ignore[no-any-return]


def padded(sizes: Sequence[int], longest: int) -> npt.NDArray[np.int64]:
    """Return :func:`obs_columns_of` for agents that see ``sizes`` numbers each.

    Example:
        >>> padded([1, 3], 3).tolist()
        [[-1, -2, -2], [-1, -1, -1]]
    """
    return np.where(np.arange(longest) < np.array(sizes)[:, None], OWN, PADDING)
