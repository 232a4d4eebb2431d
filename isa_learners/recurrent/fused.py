"""A fused GRU on CUDA: one kernel for the forward and one for the backward pass, with states kept on the chip.

:mod:`isa_learners.recurrent.gru` defines the computation. There each step takes seven kernels, whose launches cost
more than their work. Here a program processes some streams through all steps. It needs Triton, which torch's wheels
for CUDA include; without it, steps are computed one by one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

WIDEST = 64
"""Maximum width of a GRU whose weights fit into a program's registers."""
SWITCH = "ISA_FUSED"
"""Environment variable; 0 computes steps one by one."""


def supports(projected: Tensor, sizes: Sequence[int]) -> bool:
    """Return whether the kernel supports this: on CUDA, the same number of streams in every step, a GRU not too wide.

    Args:
        projected: ``[R, 3 H]`` contribution of the inputs to the gates.
        sizes: number of streams at each step.
    """
    return (
        projected.is_cuda
        and len(projected) > 0
        and projected.shape[-1] <= 3 * WIDEST
        and projected.dtype in (torch.float32, torch.bfloat16)
        and sizes[0] == sizes[-1]
        and os.environ.get(SWITCH, "1") != "0"
        and _has_triton()
    )


@cache
def _has_triton() -> bool:
    return find_spec("triton") is not None


class FusedRecurrence(torch.autograd.Function):
    """The recurrent part of the GRU; see ``_Recurrence`` in :mod:`isa_learners.recurrent.gru`."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, hidden: Tensor, keep: Tensor, weight: Tensor, bias: Tensor, steps: int
    ) -> Tensor:
        """Return the states after all steps ``[R, H]``."""
        from isa_learners.recurrent.kernels import walk

        rows, size = len(projected), hidden.shape[-1]
        out = projected.new_empty(rows, size)
        # r, z, n, U h + c of n, and the state before.
        saved = projected.new_empty(5 if ctx.needs_input_grad[0] else 0, rows, size)
        inputs = projected.contiguous(), hidden.contiguous(), keep.contiguous(), weight.contiguous()
        walk(*inputs, bias, out, saved, steps)
        ctx.save_for_backward(saved, keep, weight)
        ctx.steps = steps
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return gradients of ``projected``, weight and bias."""
        from isa_learners.recurrent.kernels import walk_back

        saved, keep, weight = ctx.saved_tensors
        _, rows, size = saved.shape
        d_projected = saved.new_empty(rows, 3 * size)
        d_own = saved.new_empty(rows, size)
        walk_back(grads[0].contiguous(), saved, keep.contiguous(), weight.contiguous(), d_projected, d_own, ctx.steps)
        before = saved[4]
        d_weight = torch.cat([d_projected[:, : 2 * size].t() @ before, d_own.t() @ before])
        return d_projected, None, None, d_weight, d_own.sum(0), None
