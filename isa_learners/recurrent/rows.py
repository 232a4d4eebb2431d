"""Rows of a large tensor, copied into memory that is kept."""

from __future__ import annotations

import torch
from torch import Tensor


class RowCopies:
    """Copies rows of ``[N, F]`` values into memory that it keeps, for whoever needs one choice of rows at a time.

    From some 30 MB on, memory that is taken anew for each choice costs five times what the copying does: the system
    hands it out page by page, and takes it back when it is let go.

    Args:
        looks: return the values themselves where all rows are asked for in order; never on CUDA: the host would wait.

    Example:
        >>> copies = RowCopies()
        >>> copies(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([2, 0])).tolist()
        [[3.0], [1.0]]
    """

    def __init__(self, looks: bool = True) -> None:
        self._looks = looks
        self._memory: Tensor | None = None

    def __call__(self, values: Tensor, rows: Tensor) -> Tensor:
        """Return ``values`` at ``rows`` ``[R]``: ``[R, F]``, until the next call overwrites them."""
        if self._are_all(values, rows):
            return values
        count, width = len(rows), values.shape[1]
        memory = self._memory
        if memory is None or memory.numel() < count * width or memory.dtype != values.dtype:
            memory = self._memory = values.new_empty(count * width)
        return torch.index_select(values, 0, rows, out=memory[: count * width].view(count, width))

    def _are_all(self, values: Tensor, rows: Tensor) -> bool:
        """Tell whether all rows are asked for, in order."""
        if not self._looks or rows.is_cuda or len(rows) != len(values):
            return False
        return torch.equal(rows, torch.arange(len(rows)))
