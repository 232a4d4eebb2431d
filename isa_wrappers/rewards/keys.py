"""Keys phi(s_seg) of state segments and their hashes: the nearest cell, hashed to 64 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isa_wrappers.arrays import Array, backend, namespace
from isa_wrappers.axes import Int, Real
from isa_wrappers.checks import check_dimensions, check_sequence
from isa_wrappers.config import CountConfig
from isa_wrappers.errors import InvalidValueError, check_float, shown

_HASH_SEED = 2505_08630
FARTHEST = 2.0**53
"""Largest distance from 0 in cells; beyond it, float64 cannot distinguish neighbouring cells."""


class SegmentKeys:
    """Hashes each of R segments of the state.

    A segment's key (phi of Eq. 10) is the nearest cell to its dimensions, ``floor(x * count_scale + 1/2)`` in float64,
    at most :data:`FARTHEST` cells from 0. Its hash is a 64-bit multiply-shift in integer arithmetic, the same on NumPy,
    CPU and CUDA, in any order.

    Args:
        segments: dimensions of each of the R segments; an empty segment has one key.
        count_scale: cells per unit of the state; 1 counts whole units, 100 hundredths.
        device: ``None`` for NumPy, else a torch device.

    Attributes:
        segments: segments as given.
        dims: the same, padded with 0, ``[R, W]`` int64.
        multipliers: multipliers of the hash, ``[R, W]`` int64, 0 for the padding.
        farthest: distance from 0 to the last cell, in units of the state.

    Raises:
        InvalidValueError: if there are no segments, or ``count_scale`` is not above 0.

    Source: the vector multiply-shift scheme of Dietzfelbinger (1996).

    Example:
        >>> near, same, other = SegmentKeys([[0, 1]]).hashes(np.array([[0.4, 3.0], [0.0, 3.0], [0.6, 3.0]])).tolist()
        >>> near == same, near == other
        (True, False)
    """

    def __init__(
        self,
        segments: Sequence[Sequence[int]],
        count_scale: float = CountConfig.count_scale,
        device: str | None = None,
    ) -> None:
        self.count_scale = check_float("count_scale", count_scale, 1e-12)
        self.farthest = FARTHEST / self.count_scale
        self.device = device
        self._lay_out(segments)

    def _lay_out(self, segments: Sequence[Sequence[int]]) -> None:
        """Draw the hash multipliers of the segments."""
        self.segments = [check_dimensions("segments", part) for part in check_sequence("segments", segments)]
        if not self.segments:
            raise InvalidValueError("segments must contain at least one list of dimensions, got []")
        self._min_state_size = 1 + max((dim for segment in self.segments for dim in segment), default=-1)
        xp, device = backend(self.device), self.device
        rows = len(self.segments)
        width = max(1, max(len(segment) for segment in self.segments))
        multipliers = np.random.Generator(np.random.PCG64(_HASH_SEED)).integers(
            -(2**63), 2**63, size=(rows, width), dtype=np.int64
        )
        dims = np.zeros((rows, width), dtype=np.int64)
        for row, segment in enumerate(self.segments):
            dims[row, : len(segment)] = segment
            multipliers[row, len(segment) :] = 0
        self.dims = xp.asarray(dims, device=device)
        self.multipliers = xp.asarray(multipliers | (multipliers != 0), device=device)
        self._pack_segments(xp)

    def _pack_segments(self, xp: Any) -> None:
        """Concatenate the segments if padding the short ones would more than double the work."""
        rows, width = self.multipliers.shape
        lengths = np.array([len(segment) for segment in self.segments])
        self._segment_ends: Array = None
        if rows * width <= 2 * lengths.sum() + rows:
            return
        columns = np.concatenate([row * width + np.arange(length) for row, length in enumerate(lengths)])
        self._packed_columns = xp.asarray(columns.astype(np.int64), device=self.device)
        self._segment_ends = xp.asarray(np.cumsum(lengths), device=self.device)

    def hashes(self, state: Real[Array, "*batch dims"]) -> Int[Array, "*batch segments"]:
        """Return the 64-bit hash of the key of each segment of ``state`` ``[..., K]``: ``[..., R]`` int64.

        Raises:
            InvalidValueError: if a segment has dimensions beyond the state.
        """
        size = getattr(state, "shape", (0,))[-1:]
        if not size or size[0] < self._min_state_size:
            description = shown(getattr(state, "shape", state))
            min_size = self._min_state_size
            raise InvalidValueError(f"state must be an array of shape [..., {min_size} or more], got {description}")
        xp = namespace(state)
        clipped = xp.astype(state, xp.float64, copy=False).clip(-self.farthest, self.farthest)
        key = xp.astype(xp.floor(clipped * self.count_scale + 0.5), xp.int64)
        if self._segment_ends is None:
            return (key[..., self.dims] * self.multipliers).sum(-1)
        packed = self._packed_columns
        products = key[..., self.dims.reshape(-1)[packed]] * self.multipliers.reshape(-1)[packed]
        # Cumulative sums; since int64 wraps around, their differences are the sums of the segments.
        sums = xp.concat([xp.zeros_like(products[..., :1]), xp.cumulative_sum(products, axis=-1)], axis=-1)
        sums_to_end = sums[..., self._segment_ends]
        return xp.concat([sums_to_end[..., :1], sums_to_end[..., 1:] - sums_to_end[..., :-1]], axis=-1)
