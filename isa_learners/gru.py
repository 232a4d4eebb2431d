"""A GRU over whole rollouts that forgets where episodes start, with its gradient written out.

The sums over inputs and all weight gradients are single matrix products over every step; only what hangs on the state
before it runs step by step. Nothing is cut or padded, so shapes depend on the rollout's size alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


def gru(cell: nn.GRU, inputs: Tensor, hidden: Tensor, start: Tensor | None = None) -> Tensor:
    """Return the hidden state after every step.

    ``h_t = (1 - z) n + z h`` with ``h = h_(t-1)``, or 0 where an episode starts, ``r, z = sigmoid(W x + b + U h + c)`` and
    ``n = tanh(W x + b + r (U h + c))``, each gate with weights of its own.

    Args:
        cell: one layer, whose weights are used.
        inputs: ``[L steps, ..., F]``; what stands between are streams of their own.
        hidden: ``[..., H]`` before the first step; no gradient flows to it.
        start: ``[L, B]`` bool, an episode starts at this step; B is the first of the stream axes. None: nowhere.

    Returns:
        ``[L, ..., H]``.

    Source: Cho et al., 2014 (arXiv 1406.1078), in the form of ``torch.nn.GRU``.

    Example:
        >>> cell = nn.GRU(2, 3)
        >>> x, h = torch.randn(5, 4, 2), torch.randn(4, 3)
        >>> torch.allclose(gru(cell, x, h), cell(x, h[None])[0], atol=1e-6)
        True
    """
    length, size = len(inputs), hidden.shape[-1]
    # The gates r and z add both biases; that of U h stays apart for n alone.
    bias = cell.bias_ih_l0 + nn.functional.pad(cell.bias_hh_l0[: 2 * size], (0, size))
    given = linear(inputs, cell.weight_ih_l0, bias).view(length, -1, 3 * size)
    keep = given.new_ones(length, 1, 1)
    if start is not None:
        keep = (~start).to(given.dtype).repeat_interleave(given.shape[1] // start.shape[1], dim=1)[..., None]
    out: Tensor = _Recurrence.apply(given, hidden.reshape(-1, size), keep, cell.weight_hh_l0, cell.bias_hh_l0[2 * size :])
    return out.view(length, *hidden.shape)


class _Recurrence(torch.autograd.Function):
    """The part of a GRU that hangs on the state before: ``given`` is ``W x + b`` of gates r, z, n, ``[L, N, 3 H]``."""

    @staticmethod
    def forward(
        ctx: Any, given: Tensor, hidden: Tensor, keep: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        size = hidden.shape[-1]
        gates = given.new_empty(*given.shape[:2], 2 * size)
        new, new_own, before, out = (given.new_empty(*given.shape[:2], size) for _ in range(4))
        columns = given[:, :, : 2 * size], given[:, :, 2 * size :], gates[:, :, :size], gates[:, :, size:]
        steps = (x.unbind() for x in (keep, before, gates, *columns, new_own, new, out))
        to_gates, to_new = weight.t().split([2 * size, size], dim=1)
        h = hidden
        # Views by the hundred, each taken once: on CPU this loop is bound by calls as much as by arithmetic.
        for k, b, rz, rz_given, n_given, r, z, n_own, n, y in zip(*steps, strict=True):
            torch.mul(h, k, out=b)
            torch.addmm(rz_given, b, to_gates, out=rz).sigmoid_()
            torch.addmm(bias, b, to_new, out=n_own)
            torch.addcmul(n_given, r, n_own, out=n).tanh_()
            h = torch.lerp(n, b, z, out=y)
        ctx.save_for_backward(new_own, gates, new, before, keep, weight)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        new_own, gates, new, before, keep, weight = ctx.saved_tensors
        length, streams, size = new.shape
        r, z = gates.chunk(2, dim=-1)
        # What a gradient of the state is multiplied by on its way to W x + b of n, and to U h + c of r, z and n.
        to_new = (1.0 - new.square()).mul_(1.0 - z)
        to_own = new.new_empty(length, streams, 3, size)
        torch.mul(to_new, r, out=to_own[:, :, 2])
        torch.mul(to_own[:, :, 2] * new_own, 1.0 - r, out=to_own[:, :, 0])
        torch.mul((before - new).mul_(z), 1.0 - z, out=to_own[:, :, 1])
        d_out = grads[0].clone()
        d_own = torch.empty_like(to_own)
        flat = d_own.view(length, streams, 3 * size)
        steps = (x.unbind() for x in (keep, d_out, d_out[:, :, None], to_own, d_own, flat, z))
        d_later = torch.zeros_like(d_out[0])
        for k, d, d_wide, factor, d_o, d_flat, share in reversed(list(zip(*steps, strict=True))):
            d += d_later
            torch.mul(d_wide, factor, out=d_o)
            d_later = torch.addmm(d * share, d_flat, weight).mul_(k)
        flat = flat.view(-1, 3 * size)
        d_weight, d_bias = flat.t() @ before.view(-1, size), flat[:, 2 * size :].sum(0)
        torch.mul(d_out, to_new, out=d_own[:, :, 2])  # the sums over inputs meet the gates as those over states do, bar n
        return d_own.view(length, streams, 3 * size), None, None, d_weight, d_bias
