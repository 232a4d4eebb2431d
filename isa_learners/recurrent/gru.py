"""A GRU over whole rollouts that resets its state where episodes start, with an explicit gradient.

Products with inputs and gradients of weights are single matrix products over all steps; only the recurrent part runs
step by step. torch's GRU cannot reset within a sequence, so rollouts would have to be split at every start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from isa_learners.recurrent import fused
from isa_learners.recurrent.steps import step_by_step, views_of_steps


def gru(
    cell: nn.GRU, inputs: Tensor, hidden: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
) -> Tensor:
    """Return the hidden state after every step.

    ``h_t = (1 - z) n + z h`` with ``h = keep_t h_(t-1)``, ``r, z = sigmoid(W x + b + U h + c)`` and
    ``n = tanh(W x + b + r (U h + c))``, with separate weights for each gate.

    Args:
        cell: GRU with one layer, whose weights are used.
        inputs: ``[R, F]`` first steps of all streams, then the second steps of those that have one, and so on.
        hidden: ``[N, H]`` states before the first steps; no gradient flows to them.
        sizes: number of streams that have a first, a second, ... step; they sum to R.
        keep: ``[R, 1]`` 0 where an episode starts and the state is reset to zero, else 1.
        alive: ``[R]`` 0 where the state does not change, else 1; ``None`` for all 1.

    Returns:
        ``[R, H]``.

    Source: Cho et al., 2014 (arXiv 1406.1078), in the form of ``torch.nn.GRU``.

    Example:
        >>> cell, x, h = nn.GRU(2, 3), torch.randn(5, 4, 2), torch.randn(4, 3)
        >>> states = gru(cell, x.flatten(0, 1), h, [4] * 5, torch.ones(20, 1))
        >>> torch.allclose(states.view(5, 4, 3), cell(x, h[None])[0], atol=1e-6)
        True
    """
    if torch.compiler.is_compiling():  # the many views cannot be exported
        return plain_gru(cell, inputs, hidden, sizes, keep, alive)
    size = hidden.shape[-1]
    weight_ih, weight_hh, bias_ih, bias_hh = cell.parameters()
    # The gates r and z add both biases; for n the bias of U h stays separate.
    projected = linear(inputs, weight_ih, bias_ih + pad(bias_hh[: 2 * size], (0, size)))
    if alive is not None:  # z = 1 keeps the state and passes no gradient to the weights
        projected = projected.masked_fill(pad((alive == 0)[:, None].expand(-1, size), (size, size)), _CERTAIN)
    bias_n = bias_hh[2 * size :]
    if fused.supports(projected, sizes):
        return fused.FusedRecurrence.apply(projected, hidden, keep, weight_hh, bias_n, len(sizes))  # type: ignore[no-any-return, no-untyped-call]
    return _Recurrence.apply(projected, hidden, keep, weight_hh, bias_n, sizes)  # type: ignore[no-any-return, no-untyped-call]


def plain_gru(
    cell: nn.GRU, inputs: Tensor, hidden: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
) -> Tensor:
    """Compute :func:`gru` by its equations, step by step, as a reference for reading and testing.

    Example:
        >>> cell, x, h = nn.GRU(2, 3), torch.randn(9, 2), torch.randn(4, 3)
        >>> sizes, keep, alive = [4, 3, 2], (torch.rand(9, 1) < 0.7).float(), (torch.rand(9) < 0.7).float()
        >>> torch.allclose(gru(cell, x, h, sizes, keep, alive), plain_gru(cell, x, h, sizes, keep, alive), atol=1e-6)
        True
    """
    weight_ih, weight_hh, bias_ih, bias_hh = cell.parameters()

    def step(x: Tensor, h: Tensor) -> Tensor:
        r_x, z_x, n_x = linear(x, weight_ih, bias_ih).chunk(3, -1)
        r_h, z_h, n_h = linear(h, weight_hh, bias_hh).chunk(3, -1)
        reset, update = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
        return (1 - update) * torch.tanh(n_x + reset * n_h) + update * h

    return step_by_step(step, inputs, hidden, sizes, keep, alive)


_CERTAIN = 1e4
"""A value whose sigmoid is exactly 1, whatever is added to it."""


class _Recurrence(torch.autograd.Function):
    """The recurrent part. ``projected`` ``[R, 3 H]`` is ``W x + b`` for n, and ``W x + b + c`` for r and z."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, hidden: Tensor, keep: Tensor, weight: Tensor, bias: Tensor, sizes: Sequence[int]
    ) -> Tensor:
        rows = len(projected)
        size = hidden.shape[-1]
        lengths = list(sizes)
        gates = projected.new_empty(rows, 2 * size)
        new, new_own, before, out = (projected.new_empty(rows, size) for _ in range(4))
        at = views_of_steps(
            lengths,
            keep=keep,
            before=before,
            gates=gates,
            projected_gates=projected[:, : 2 * size],
            projected_new=projected[:, 2 * size :],
            r=gates[:, :size],
            z=gates[:, size:],
            new_own=new_own,
            new=new,
            out=out,
        )
        to_gates, to_new = torch.split(weight.t(), [2 * size, size], dim=1)
        h = hidden
        for t, n in enumerate(lengths):
            b = torch.mul(h[:n], at.keep[t], out=at.before[t])
            torch.addmm(at.projected_gates[t], b, to_gates, out=at.gates[t]).sigmoid_()
            own = torch.addmm(bias, b, to_new, out=at.new_own[t])
            new_h = torch.addcmul(at.projected_new[t], at.r[t], own, out=at.new[t]).tanh_()
            h = torch.lerp(new_h, b, at.z[t], out=at.out[t])
        ctx.save_for_backward(new_own, gates, new, before, keep, weight)
        ctx.lengths = lengths
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        new_own, gates, new, before, keep, weight = ctx.saved_tensors
        rows, size = new.shape
        r, z = gates.chunk(2, dim=-1)
        # Factors from a gradient of the state to those of W x + b of n, and of U h + c of r, z and n.
        to_new = (1.0 - new.square()).mul_(1.0 - z)
        to_own = new.new_empty(rows, 3, size)
        torch.mul(to_new, r, out=to_own[:, 2])
        torch.mul(to_own[:, 2] * new_own, 1.0 - r, out=to_own[:, 0])
        torch.mul((before - new).mul_(z), 1.0 - z, out=to_own[:, 1])
        d_out = grads[0].clone()
        d_own = torch.empty_like(to_own)
        flat = d_own.view(rows, 3 * size)
        at = views_of_steps(
            ctx.lengths, keep=keep, d=d_out, d_wide=d_out[:, None], to_own=to_own, d_own=d_own, flat=flat, z=z
        )
        d_before = d_out[:0]
        for t in reversed(range(len(ctx.lengths))):
            d = at.d[t]
            d[: len(d_before)] += d_before
            torch.mul(at.d_wide[t], at.to_own[t], out=at.d_own[t])
            d_before = torch.addmm(d * at.z[t], at.flat[t], weight).mul_(at.keep[t])
        d_weight, d_bias = flat.t() @ before, flat[:, 2 * size :].sum(0)
        # The gradients of W x + b equal those of U h + c for r and z; for n they lack the factor r.
        torch.mul(d_out, to_new, out=d_own[:, 2])
        return flat, None, None, d_weight, d_bias, None
