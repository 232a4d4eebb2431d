"""Definitions 1 to 3: which dimensions are in whose scope, read off figures and a threshold."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
Threshold = float | npt.NDArray[np.float64]
"""A number, or ``[K]``: one for each dimension."""


class Definitions:
    """What follows from each action's figures and delta (arXiv 2505.08630, Section 4).

    Attributes:
        agents: names of the A agents, in order.
        influence: ``[A, n, K]`` in [0, 1].
        delta: threshold.
        num_actions: of each agent.
    """

    agents: tuple[str, ...]
    influence: npt.NDArray[np.float64]
    delta: Threshold
    num_actions: tuple[int, ...]

    @cached_property
    def action_mask(self) -> BoolArray:
        """``[A, n, K]``: is dimension k in D(a_i)? (Def. 1)."""
        return frozen(self.influence > self.delta)

    @cached_property
    def agent_mask(self) -> BoolArray:
        """``[A, K]``: is dimension k in D_i? (Def. 2)."""
        return frozen(self.action_mask.any(axis=1))

    @cached_property
    def common_mask(self) -> BoolArray:
        """``[K]``: is dimension k in D_c? (Def. 3)."""
        return frozen(self.agent_mask.all(axis=0))

    @cached_property
    def special_mask(self) -> BoolArray:
        """``[A, K]``: is dimension k in D_(i-c) = D_i minus D_c?"""
        return frozen(self.agent_mask & ~self.common_mask)

    @cached_property
    def touches_common(self) -> BoolArray:
        """``[A, n]``: does D(a_i) meet D_c? The condition of Eq. 7 and Eq. 10."""
        return frozen((self.action_mask & self.common_mask).any(axis=2))

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


def frozen(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return an array that nobody can write into."""
    array = np.asarray(values)
    array.setflags(write=False)
    return array


def dims_of(mask: npt.NDArray[Any]) -> list[int]:
    """Return the dimensions where a mask ``[K]`` is set."""
    return [int(k) for k in np.flatnonzero(mask)]
