"""Triton kernels of the fused GRU; :mod:`isa_learners.recurrent.fused` calls them."""

# mypy: allow-untyped-defs, allow-untyped-decorators, allow-untyped-calls, allow-incomplete-defs
from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

SIZES = ["streams", "steps", "rows"]
"""Arguments whose values do not trigger recompilation."""
STREAMS = 16
"""Streams per program: the minimum for matrix units."""


@triton.jit
def _tanh(x):
    return 2.0 * tl.sigmoid(2.0 * x) - 1.0


@triton.jit
def _times(a, b, HALF: tl.constexpr):
    """Multiply two matrices with float32 sums; float32 factors are split in three parts to keep their precision."""
    if HALF:
        return tl.dot(a.to(tl.bfloat16), b.to(tl.bfloat16), out_dtype=tl.float32)
    return tl.dot(a, b, input_precision="tf32x3", out_dtype=tl.float32)


@triton.jit(do_not_specialize=SIZES)
def _forwards(
    projected, hidden, keep, weight, bias, out, saved, streams, steps, rows,
    H: tl.constexpr, P: tl.constexpr, M: tl.constexpr, SAVES: tl.constexpr, HALF: tl.constexpr,
):  # fmt: skip
    stream = tl.program_id(0) * M + tl.arange(0, M)
    unit, other = tl.arange(0, P), tl.arange(0, P)
    inside = (stream < streams)[:, None] & (unit < H)[None, :]
    square = (other < H)[:, None] & (unit < H)[None, :]
    at = other[:, None] + unit[None, :] * H  # transposed: state -> unit
    w_r = tl.load(weight + at, mask=square, other=0.0).to(tl.float32)
    w_z = tl.load(weight + H * H + at, mask=square, other=0.0).to(tl.float32)
    w_n = tl.load(weight + 2 * H * H + at, mask=square, other=0.0).to(tl.float32)
    c_n = tl.load(bias + unit, mask=unit < H, other=0.0).to(tl.float32)[None, :]
    h = tl.load(hidden + stream[:, None] * H + unit[None, :], mask=inside, other=0.0).to(tl.float32)
    for t in range(steps):
        row = (t * streams + stream).to(tl.int64)
        k = tl.load(keep + row, mask=stream < streams, other=0.0).to(tl.float32)
        b = h * k[:, None]
        x = projected + row[:, None] * (3 * H) + unit[None, :]
        r = tl.sigmoid(tl.load(x, mask=inside, other=0.0).to(tl.float32) + _times(b, w_r, HALF))
        z = tl.sigmoid(tl.load(x + H, mask=inside, other=0.0).to(tl.float32) + _times(b, w_z, HALF))
        own = c_n + _times(b, w_n, HALF)
        n = _tanh(tl.load(x + 2 * H, mask=inside, other=0.0).to(tl.float32) + r * own)
        h = n + z * (b - n)
        place = row[:, None] * H + unit[None, :]
        tl.store(out + place, h, mask=inside)
        if SAVES:
            one = rows.to(tl.int64) * H
            tl.store(saved + place, r, mask=inside)
            tl.store(saved + one + place, z, mask=inside)
            tl.store(saved + 2 * one + place, n, mask=inside)
            tl.store(saved + 3 * one + place, own, mask=inside)
            tl.store(saved + 4 * one + place, b, mask=inside)


@triton.jit(do_not_specialize=SIZES)
def _backwards(
    d_out, saved, keep, weight, d_projected, d_own, streams, steps, rows,
    H: tl.constexpr, P: tl.constexpr, M: tl.constexpr, HALF: tl.constexpr,
):  # fmt: skip
    stream = tl.program_id(0) * M + tl.arange(0, M)
    unit, other = tl.arange(0, P), tl.arange(0, P)
    inside = (stream < streams)[:, None] & (unit < H)[None, :]
    square = (other < H)[:, None] & (unit < H)[None, :]
    at = other[:, None] * H + unit[None, :]  # unit -> state
    w_r = tl.load(weight + at, mask=square, other=0.0).to(tl.float32)
    w_z = tl.load(weight + H * H + at, mask=square, other=0.0).to(tl.float32)
    w_n = tl.load(weight + 2 * H * H + at, mask=square, other=0.0).to(tl.float32)
    d = tl.zeros((M, P), dtype=tl.float32)
    one = rows.to(tl.int64) * H
    for past in range(steps):
        row = ((steps - 1 - past) * streams + stream).to(tl.int64)
        place = row[:, None] * H + unit[None, :]
        d += tl.load(d_out + place, mask=inside, other=0.0).to(tl.float32)
        r = tl.load(saved + place, mask=inside, other=0.0).to(tl.float32)
        z = tl.load(saved + one + place, mask=inside, other=0.0).to(tl.float32)
        n = tl.load(saved + 2 * one + place, mask=inside, other=0.0).to(tl.float32)
        own = tl.load(saved + 3 * one + place, mask=inside, other=0.0).to(tl.float32)
        b = tl.load(saved + 4 * one + place, mask=inside, other=0.0).to(tl.float32)
        d_n = d * (1.0 - z) * (1.0 - n * n)
        d_n_own = d_n * r
        d_r = d_n_own * own * (1.0 - r)
        d_z = d * (b - n) * z * (1.0 - z)
        x = d_projected + row[:, None] * (3 * H) + unit[None, :]
        tl.store(x, d_r, mask=inside)
        tl.store(x + H, d_z, mask=inside)
        tl.store(x + 2 * H, d_n, mask=inside)
        tl.store(d_own + place, d_n_own, mask=inside)
        k = tl.load(keep + row, mask=stream < streams, other=0.0).to(tl.float32)
        d = d * z + _times(d_r, w_r, HALF) + _times(d_z, w_z, HALF) + _times(d_n_own, w_n, HALF)
        d = d * k[:, None]


def walk(
    projected: Tensor,
    hidden: Tensor,
    keep: Tensor,
    weight: Tensor,
    bias: Tensor,
    out: Tensor,
    saved: Tensor,
    steps: int,
) -> None:
    """Compute T steps of N streams.

    Args:
        projected: ``[T * N, 3 H]`` contribution of the inputs to r, z and n.
        hidden: ``[N, H]`` states before the first step.
        keep: ``[T * N, 1]``.
        weight: ``[3 H, H]`` weights of the state.
        bias: ``[H]`` bias c of U h + c for n.
        out: ``[T * N, H]`` output for the states after the steps.
        saved: ``[5, T * N, H]`` output for r, z, n, U h + c of n and the state before; empty to skip it.
        steps: T.
    """
    streams, size = hidden.shape
    _forwards[(triton.cdiv(streams, STREAMS),)](
        projected, hidden, keep, weight, bias, out, saved, streams, steps, len(projected),
        H=size, P=_width(size), M=STREAMS, SAVES=len(saved) > 0, HALF=projected.dtype == torch.bfloat16,
        num_warps=_width(size) // 8,
    )  # fmt: skip


def walk_back(
    d_out: Tensor, saved: Tensor, keep: Tensor, weight: Tensor, d_projected: Tensor, d_own: Tensor, steps: int
) -> None:
    """Compute the gradients of T steps of N streams.

    Args:
        d_out: ``[T * N, H]`` gradients of the states.
        saved: values from :func:`walk`.
        keep: ``[T * N, 1]``.
        weight: ``[3 H, H]``.
        d_projected: ``[T * N, 3 H]`` output.
        d_own: ``[T * N, H]`` output for U h + c of n.
        steps: T.
    """
    rows, size = d_out.shape
    streams = rows // steps
    _backwards[(triton.cdiv(streams, STREAMS),)](
        d_out, saved, keep, weight, d_projected, d_own, streams, steps, rows,
        H=size, P=_width(size), M=STREAMS, HALF=d_out.dtype == torch.bfloat16,
        num_warps=_width(size) // 8,
    )  # fmt: skip


def _width(size: int) -> int:
    """Return the padded width: a power of 2, at least the minimum for matrix units."""
    return max(16, int(triton.next_power_of_2(size)))
