"""Stacking of the tensors of a rollout's steps, by name."""

from __future__ import annotations

import torch
from torch import Tensor

LARGE = 2**24
"""Minimum bytes of a rollout's tensor for writing its rows immediately."""


class Stacks:
    """Stacks tensors of single steps by name.

    Large tensors are copied to the result immediately, which avoids holding them twice in memory.

    Args:
        steps: T, number of steps.

    Example:
        >>> stacks = Stacks(2)
        >>> stacks.add({"reward": torch.tensor([1.0])})
        >>> stacks.add({"reward": torch.tensor([2.0])})
        >>> stacks.stacked()["reward"].tolist()
        [[1.0], [2.0]]
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._time = 0
        self._rows: dict[str, list[Tensor]] = {}
        self._buffers: dict[str, Tensor] = {}

    def add(self, row: dict[str, Tensor]) -> None:
        """Add the tensors of a step, with the same names in every step."""
        for name, value in row.items():
            if value.nbytes * self._steps < LARGE:
                self._rows.setdefault(name, []).append(value)
                continue
            if name not in self._buffers:
                self._buffers[name] = value.new_empty(self._steps, *value.shape)
            self._buffers[name][self._time] = value
        self._time += 1

    def stacked(self) -> dict[str, Tensor]:
        """Return ``[T, ...]`` for each name."""
        return {name: torch.stack(values) for name, values in self._rows.items()} | self._buffers


class FixedStacks:
    """Stacks tensors of single steps in memory that stays the same for all rollouts, so that steps can be recorded.

    Example:
        >>> stacks = FixedStacks()
        >>> for rewards in [[1.0, 2.0], [3.0, 4.0]]:
        ...     stacks.begin(2)
        ...     for reward in rewards:
        ...         stacks.add({"reward": torch.tensor([reward])})
        >>> stacks.stacked()["reward"].tolist()
        [[3.0], [4.0]]
    """

    def __init__(self) -> None:
        self._steps = 0
        self._time: Tensor | None = None
        self._buffers: dict[str, Tensor] = {}

    def begin(self, steps: int) -> None:
        """Start a rollout of T steps."""
        if steps != self._steps:
            self._steps = steps
            self._time = None
            self._buffers = {}
        elif self._time is not None:
            self._time.zero_()

    def add(self, row: dict[str, Tensor]) -> None:
        """Add the tensors of a step, with the same names and shapes in every step."""
        if self._time is None:
            device = next(iter(row.values())).device
            self._time = torch.zeros(1, dtype=torch.int64, device=device)
            self._buffers = {name: value.new_empty(self._steps, *value.shape) for name, value in row.items()}
        for name, value in row.items():
            self._buffers[name].index_copy_(0, self._time, value[None])
        self._time += 1

    def stacked(self) -> dict[str, Tensor]:
        """Return copies ``[T, ...]`` for each name, which the next rollout does not change."""
        return {name: buffer.clone() for name, buffer in self._buffers.items()}
