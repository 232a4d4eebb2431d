"""What each number of an observation is: what the agent sees, padding, or a dimension of the state that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

OWN, PADDING = -1, -2


def obs_columns_of(env: Any) -> npt.NDArray[np.int64]:
    """Return what each number of each agent's observation is: ``[A, O]``.

    :data:`OWN` for what the agent sees, :data:`PADDING` for zeros behind it, or the dimension of the state that is
    shown there, as those of goals are. An environment without ``obs_columns`` shows nothing but what agents see.
    """
    columns, shape = getattr(env, "obs_columns", None), (len(env.agents), env.obs_size)
    if columns is None or columns.shape != shape:  # a wrapper of others may have changed the size
        return np.full(shape, OWN, dtype=np.int64)
    return columns  # type: ignore[no-any-return]


def padded(sizes: Sequence[int], longest: int) -> npt.NDArray[np.int64]:
    """Return :func:`obs_columns_of` agents that see ``sizes`` numbers each.

    Example:
        >>> padded([1, 3], 3).tolist()
        [[-1, -2, -2], [-1, -1, -1]]
    """
    return np.where(np.arange(longest) < np.array(sizes)[:, None], OWN, PADDING)
