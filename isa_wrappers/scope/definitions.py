"""Definitions 1 to 3: the dimensions in each agent's scope, given influence values and a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.errors import InvalidValueError

BoolArray = npt.NDArray[np.bool_]
ROUNDING = 1e-9
"""Tolerance for rounding errors outside [0, 1]."""
Threshold = float | npt.NDArray[np.float64]
"""A number, or one for each dimension, ``[K]``."""


class Definitions:
    """The sets that follow from the influence of each action and delta (arXiv 2505.08630, Section 4).

    Attributes:
        agents: names of the A agents, in order.
        influence: influence of each action on each dimension, ``[A, n, K]`` in [0, 1].
        delta: threshold.
        num_actions: number of actions of each agent.
    """

    agents: tuple[str, ...]
    influence: npt.NDArray[np.float64]
    delta: Threshold
    num_actions: tuple[int, ...]

    @cached_property
    def action_mask(self) -> BoolArray:
        """Whether dimension k is in D(a_i) (Def. 1), ``[A, n, K]``."""
        return read_only(self.influence > self.delta)

    @cached_property
    def agent_mask(self) -> BoolArray:
        """Whether dimension k is in D_i (Def. 2), ``[A, K]``."""
        return read_only(self.action_mask.any(axis=1))

    @cached_property
    def common_mask(self) -> BoolArray:
        """Whether dimension k is in D_c (Def. 3), ``[K]``."""
        return read_only(self.agent_mask.all(axis=0))

    @cached_property
    def special_mask(self) -> BoolArray:
        """Whether dimension k is in D_(i-c) = D_i minus D_c, ``[A, K]``."""
        return read_only(self.agent_mask & ~self.common_mask)

    @cached_property
    def touches_common(self) -> BoolArray:
        """Whether D(a_i) meets D_c, the condition of Eq. 7 and Eq. 10, ``[A, n]``."""
        return read_only((self.action_mask & self.common_mask).any(axis=2))

    @property
    def common_dims(self) -> list[int]:
        """D_c as a list of dimensions."""
        return dims_of(self.common_mask)

    @property
    def agent_dims(self) -> list[list[int]]:
        """D_i as one list per agent."""
        return [dims_of(row) for row in self.agent_mask]

    @property
    def special_dims(self) -> list[list[int]]:
        """D_(i-c) as one list per agent."""
        return [dims_of(row) for row in self.special_mask]

    @property
    def action_dims(self) -> dict[str, list[list[int]]]:
        """D(a_i): agent -> one list per action."""
        return {
            name: [dims_of(self.action_mask[i, a]) for a in range(self.num_actions[i])]
            for i, name in enumerate(self.agents)
        }


def checked_shares(influence: npt.NDArray[Any], agents: Sequence[str]) -> npt.NDArray[Any]:
    """Check that influence lies in [0, 1], and clip rounding errors.

    Args:
        influence: influence values, ``[A, n, K]``.
        agents: names of the A agents.

    Raises:
        InvalidValueError: if a value is NaN or outside; the message names the first one.

    Example:
        >>> checked_shares(np.array([[[1.0000000000000002, -1e-12]]]), ["a"]).tolist()
        [[[1.0, 0.0]]]
    """
    inside = (influence >= 0.0) & (influence <= 1.0)
    if inside.all():
        return influence
    wrong = np.argwhere(~((influence >= -ROUNDING) & (influence <= 1.0 + ROUNDING)))
    if len(wrong):
        i, a, k = wrong[0].tolist()
        raise InvalidValueError(
            f"influence must lie in [0, 1], got {float(influence[i, a, k])!r} for {agents[i]}'s action {a} on "
            f"dimension {k}{f' and {len(wrong) - 1} more such values' if len(wrong) > 1 else ''}"
        )
    return influence.clip(0.0, 1.0)


def read_only(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return a read-only array."""
    array = np.asarray(values)
    array.setflags(write=False)
    return array


def dims_of(mask: npt.NDArray[Any]) -> list[int]:
    """Return the dimensions where a mask ``[K]`` is set."""
    return [int(k) for k in np.flatnonzero(mask)]
