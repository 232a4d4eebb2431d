"""Recurrences step by step: a plain implementation, and views of each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import torch
from torch import Tensor


def step_by_step(
    step: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    state: Tensor,
    sizes: Sequence[int],
    keep: Tensor,
    alive: Tensor | None = None,
) -> Tensor:
    """Return the state after every step, ``s_t = step(x_t, keep_t s_(t-1))`` where a stream is alive.

    Args:
        step: maps inputs ``[n, F]`` and the states before ``[n, S]`` to those after.
        inputs: ``[R, F]`` first steps of all streams, then the second steps of those that have one, and so on.
        state: ``[N, S]`` states before the first steps.
        sizes: number of streams that have a first, a second, ... step; they sum to R.
        keep: ``[R, 1]`` 0 where an episode starts and the state is reset to zero, else 1.
        alive: ``[R]`` 0 where the state does not change, else 1; ``None`` for all 1.

    Returns:
        ``[R, S]``.

    Example:
        >>> keep = torch.tensor([[1.0], [1.0], [0.0]])
        >>> step_by_step(torch.add, torch.ones(3, 1), torch.tensor([[2.0]]), [1, 1, 1], keep)[:, 0]
        tensor([3., 4., 1.])
    """
    states = []
    first = 0
    for n in sizes:
        rows = slice(first, first + n)
        before = state[:n] * keep[rows]
        state = step(inputs[rows], before)
        if alive is not None:
            state = torch.where(alive[rows, None] > 0, state, before)
        states.append(state)
        first += n
    return torch.cat(states)


def views_of_steps(lengths: Sequence[int], **whole: Tensor) -> SimpleNamespace:
    """Split arrays ``[R, ...]`` into views of each step, before a loop whose cost is dominated by calls."""
    return SimpleNamespace(**{name: torch.split(x, lengths) for name, x in whole.items()})  # type: ignore[arg-type]
