"""An LSTM over whole rollouts that resets its state where episodes start, with an explicit gradient.

As in :mod:`~isa_learners.recurrent.gru`, everything but the recurrent part is a single matrix product over all steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from isa_learners.recurrent.steps import step_by_step, views_of_steps


def lstm(
    cell: nn.LSTM, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
) -> Tensor:
    """Return the state ``(h, c)`` after every step.

    ``c_t = f c + i g`` and ``h_t = o tanh(c_t)`` with ``(h, c) = keep_t (h, c)_(t-1)``,
    ``i, f, o = sigmoid(W x + b + U h)`` and ``g = tanh(W x + b + U h)``, with separate weights for each gate.

    Args:
        cell: LSTM with one layer, whose weights are used.
        inputs: ``[R, F]`` first steps of all streams, then the second steps of those that have one, and so on.
        state: ``[N, 2 H]`` h, then c, before the first steps; no gradient flows to it.
        sizes: number of streams that have a first, a second, ... step; they sum to R.
        keep: ``[R, 1]`` 0 where an episode starts and the state is reset to zero, else 1.
        alive: ``[R]`` 0 where the state does not change, else 1; ``None`` for all 1.

    Returns:
        ``[R, 2 H]``.

    Source: Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000, as in ``torch.nn.LSTM``.

    Example:
        >>> cell, x, state = nn.LSTM(2, 3), torch.randn(5, 4, 2), torch.randn(4, 6)
        >>> states = lstm(cell, x.flatten(0, 1), state, [4] * 5, torch.ones(20, 1))
        >>> h, c = (part.contiguous() for part in state[None].chunk(2, -1))
        >>> torch.allclose(states.view(5, 4, 6)[..., :3], cell(x, (h, c))[0], atol=1e-6)
        True
    """
    if torch.compiler.is_compiling():  # the many views cannot be exported
        return plain_lstm(cell, inputs, state, sizes, keep, alive)
    weight_ih, weight_hh, bias_ih, bias_hh = cell.parameters()
    projected = linear(inputs, weight_ih, bias_ih + bias_hh)
    out: Tensor = _Recurrence.apply(projected, state, keep, weight_hh, alive, sizes)  # type: ignore[no-untyped-call]
    return out


def plain_lstm(
    cell: nn.LSTM, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
) -> Tensor:
    """Compute :func:`lstm` by its equations, step by step, as a reference for reading and testing.

    Example:
        >>> cell, x, state = nn.LSTM(2, 3), torch.randn(9, 2), torch.randn(4, 6)
        >>> sizes, keep, alive = [4, 3, 2], (torch.rand(9, 1) < 0.7).float(), (torch.rand(9) < 0.7).float()
        >>> plain = plain_lstm(cell, x, state, sizes, keep, alive)
        >>> torch.allclose(lstm(cell, x, state, sizes, keep, alive), plain, atol=1e-6)
        True
    """
    weight_ih, weight_hh, bias_ih, bias_hh = cell.parameters()

    def step(x: Tensor, before: Tensor) -> Tensor:
        h, c = before.chunk(2, -1)
        i, f, g, o = (linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.cat([torch.sigmoid(o) * torch.tanh(c), c], dim=-1)

    return step_by_step(step, inputs, state, sizes, keep, alive)


class _Recurrence(torch.autograd.Function):
    """The recurrent part. ``projected`` ``[R, 4 H]`` is ``W x + b`` of i, f, g and o."""

    @staticmethod
    def forward(
        ctx: Any,
        projected: Tensor,
        state: Tensor,
        keep: Tensor,
        weight: Tensor,
        alive: Tensor | None,
        sizes: Sequence[int],
    ) -> Tensor:
        rows = len(projected)
        size = state.shape[-1] // 2
        lengths = list(sizes)
        gates = torch.empty_like(projected)
        tanh_c = projected.new_empty(rows, size)
        before, out = (projected.new_empty(rows, 2 * size) for _ in range(2))
        i, f, g, o = gates.chunk(4, dim=1)
        at = views_of_steps(
            lengths,
            keep=keep,
            projected=projected,
            gates=gates,
            i_and_f=gates[:, : 2 * size],
            i=i,
            f=f,
            g=g,
            o=o,
            before=before,
            h=before[:, :size],
            c=before[:, size:],
            out=out,
            h_new=out[:, :size],
            c_new=out[:, size:],
            tanh_c=tanh_c,
        )
        lives = None if alive is None else torch.split(alive[:, None] > 0, lengths)
        to_gates = weight.t()
        for t, n in enumerate(lengths):
            torch.mul(state[:n], at.keep[t], out=at.before[t])
            torch.addmm(at.projected[t], at.h[t], to_gates, out=at.gates[t])
            at.i_and_f[t].sigmoid_()
            at.g[t].tanh_()
            at.o[t].sigmoid_()
            torch.mul(at.f[t], at.c[t], out=at.c_new[t]).addcmul_(at.i[t], at.g[t])
            torch.tanh(at.c_new[t], out=at.tanh_c[t])
            torch.mul(at.o[t], at.tanh_c[t], out=at.h_new[t])
            state = at.out[t]
            if lives is not None:
                torch.where(lives[t], state, at.before[t], out=state)
        ctx.save_for_backward(gates, tanh_c, before, keep, weight, alive)
        ctx.lengths = lengths
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        gates, tanh_c, before, keep, weight, alive = ctx.saved_tensors
        size = tanh_c.shape[1]
        i, f, g, o = gates.chunk(4, dim=1)
        # Factors from a gradient of h to those of c and of o in ``projected``, and from one of c to those of i, f and
        # g.
        h_to_c = (1.0 - tanh_c.square()).mul_(o)
        h_to_o = tanh_c * o * (1.0 - o)
        c_to_ifg = torch.stack([g * i * (1.0 - i), before[:, size:] * f * (1.0 - f), i * (1.0 - g.square())], dim=1)
        d_state = grads[0].clone()
        d_projected = torch.empty_like(gates)
        at = views_of_steps(
            ctx.lengths,
            keep=keep,
            f=f,
            h_to_c=h_to_c,
            h_to_o=h_to_o,
            c_to_ifg=c_to_ifg,
            d=d_state,
            d_h=d_state[:, :size],
            d_c=d_state[:, size:],
            d_c_wide=d_state[:, None, size:],
            d_projected=d_projected,
            d_ifg=d_projected[:, : 3 * size].view(-1, 3, size),
            d_o=d_projected[:, 3 * size :],
        )
        lives = None if alive is None else torch.split(alive[:, None], ctx.lengths)
        d_before = d_state[:0]
        for t in reversed(range(len(ctx.lengths))):
            d = at.d[t]
            d[: len(d_before)] += d_before
            d_halted = None if lives is None else d * (1.0 - lives[t])
            if lives is not None:
                d.mul_(lives[t])
            at.d_c[t].addcmul_(at.d_h[t], at.h_to_c[t])
            torch.mul(at.d_c_wide[t], at.c_to_ifg[t], out=at.d_ifg[t])
            torch.mul(at.d_h[t], at.h_to_o[t], out=at.d_o[t])
            d_before = torch.cat([at.d_projected[t] @ weight, at.d_c[t] * at.f[t]], dim=1)
            if d_halted is not None:
                d_before += d_halted
            d_before.mul_(at.keep[t])
        return d_projected, None, None, d_projected.t() @ before[:, :size], None, None
