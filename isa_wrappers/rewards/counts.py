"""Visit counts N(phi(s_seg)) of hashed state segments: batched, mergeable, with bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from isa_wrappers.arrays import Array, backend, namespace, scatter_add, to_backend, to_numpy
from isa_wrappers.axes import Bool, Int, Real
from isa_wrappers.checks import check_sequence
from isa_wrappers.config import CountConfig
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError, check_int, check_kind, shown
from isa_wrappers.moved import former_names
from isa_wrappers.rewards.keys import SegmentKeys


class VisitCounter(SegmentKeys):
    """Counts visits to each of R segments of the state, with one row of a fixed-size table per segment.

    The hash of a key determines its slot among the ``2**table_bits`` slots of its segment's row. Keys are not stored,
    so the memory is always ``8 * R * 2**table_bits`` bytes. Counts are exact unless two visited keys of one segment
    share a slot; such keys are counted together, so a count is never too low and a bonus never too high. With m
    distinct keys, a new key collides with probability about ``m / 2**table_bits``. Hashes and counts use integer
    arithmetic, so they are the same on NumPy, CPU and CUDA, in any order.

    Args:
        segments: dimensions of each of the R segments; an empty segment has one key.
        count_scale: cells per unit of the state; 1 counts whole units, 100 hundredths.
        table_bits: log2 of the number of slots per segment.
        device: ``None`` for NumPy, else a torch device.

    Attributes:
        segments: segments as given.
        dims: the same, padded with 0, ``[R, W]`` int64.
        table: counts, ``[R, 2**table_bits]`` int64; loading, merging and following replace this array.
        multipliers, farthest: see :class:`~isa_wrappers.rewards.keys.SegmentKeys`.

    Raises:
        InvalidValueError: if there are no segments, ``count_scale`` is not above 0 or ``table_bits`` not in [4, 30].

    Source: arXiv 2505.08630, Eq. 10.

    Example:
        >>> counter = VisitCounter([[0], [1]])
        >>> counter.visit(np.array([[0.0, 5.0], [0.0, 6.0]], dtype=np.float32)).tolist()
        [[2, 1], [2, 1]]
    """

    def __init__(
        self,
        segments: Sequence[Sequence[int]],
        count_scale: float = CountConfig.count_scale,
        table_bits: int = CountConfig.table_bits,
        device: str | None = None,
    ) -> None:
        self.table_bits = table_bits = check_int("table_bits", table_bits, 4, 30)
        super().__init__(segments, count_scale, device)

    def _lay_out(self, segments: Sequence[Sequence[int]]) -> None:
        """Create an empty table for segments."""
        super()._lay_out(segments)
        xp, rows = backend(self.device), len(self.segments)
        self._row_start = xp.arange(rows, device=self.device, dtype=xp.int64) << self.table_bits
        self.table = xp.zeros((rows, 1 << self.table_bits), dtype=xp.int64, device=self.device)

    def slots(self, state: Real[Array, "*batch dims"]) -> Int[Array, "*batch segments"]:
        """Return the index in the flat table for each segment of ``state`` ``[..., K]``: ``[..., R]`` int64."""
        high = (self.hashes(state) >> (64 - self.table_bits)) & ((1 << self.table_bits) - 1)
        return high + self._row_start

    def visit(
        self,
        state: Real[Array, "*batch dims"],
        mask: Bool[Array, "*batch"] | Bool[Array, "*batch segments"] | None = None,
    ) -> Int[Array, "*batch segments"]:
        """Count one visit of every segment per state, then return N including these visits: ``[..., R]`` int64.

        Args:
            state: ``[..., K]``; states that share a key all get the sum of their visits.
            mask: ``[...]`` or ``[..., R]`` bool; False skips the visit.

        Raises:
            InvalidValueError: if a segment has dimensions beyond the state, or the mask has the wrong shape.
        """
        slots = self.slots(state)
        xp = namespace(state)
        if mask is not None:
            shape = getattr(mask, "shape", None)
            if shape not in (slots.shape[:-1], slots.shape):
                expected = f"{list(slots.shape[:-1])} or {list(slots.shape)}"
                raise InvalidValueError(f"mask must be an array of shape {expected}, got {shown(shape)}")
            mask = mask[..., None] if mask.ndim < slots.ndim else mask
        counted = xp.ones_like(slots) if mask is None else xp.astype(mask, xp.int64)
        if counted.shape != slots.shape:
            counted = xp.broadcast_to(counted, slots.shape)
        flat = self.table.reshape(-1)
        scatter_add(flat, slots.reshape(-1), counted.reshape(-1))
        return flat[slots]

    def count(self, state: Real[Array, "*batch dims"]) -> Int[Array, "*batch segments"]:
        """Return N of every segment of ``state`` ``[..., K]`` without counting: ``[..., R]`` int64."""
        return self.table.reshape(-1)[self.slots(state)]

    def follow(self, segments: Sequence[Sequence[int]]) -> None:
        """Continue with other segments: a row with the same dimensions keeps its counts, any other starts from zero.

        Args:
            segments: the new segments, as many as before.

        Raises:
            InvalidValueError: if the number of segments differs.

        Example:
            >>> counter, state = VisitCounter([[], [0]]), np.array([[0.0, 5.0]], dtype=np.float32)
            >>> _ = counter.visit(state)
            >>> counter.follow([[1], [0]])
            >>> counter.visit(state).tolist()
            [[1, 2]]
        """
        segments = list(check_sequence("segments", segments))
        if len(segments) != len(self.segments):
            raise InvalidValueError(f"the number of segments must stay {len(self.segments)}, got {len(segments)}")
        old_segments = self.segments
        old_multipliers = self.multipliers
        old_table = self.table
        self._lay_out(segments)
        for row, (old, new) in enumerate(zip(old_segments, self.segments, strict=True)):
            if old == new:
                # The slot of a key depends on its multipliers, so keep them with the counts.
                self.table[row] = old_table[row]
                self.multipliers[row, : len(new)] = old_multipliers[row, : len(new)]

    def merge(self, other: VisitCounter) -> None:
        """Add the visits of another counter, as if both streams had been counted here.

        Raises:
            ScopeMismatchError: if segments, scale, table size or, after :meth:`follow`, the hashes differ.
        """
        check_kind("other", other, VisitCounter)
        self._check_alike(other.segments, other.count_scale, other.table_bits)
        if not np.array_equal(to_numpy(self.multipliers), to_numpy(other.multipliers)):
            raise ScopeMismatchError(
                "visit counters hash differently: one of them has followed a scope; let both follow it, then merge"
            )
        self.table = self.table + to_backend(other.table, self.device)

    def occupancy(self) -> float:
        """Return the fraction of used slots in the fullest row: the probability that a new key collides."""
        return float((to_numpy(self.table) > 0).mean(axis=1).max())

    def state_dict(self) -> dict[str, Array]:
        """Return the visited slots and their counts (sparse: a table is mostly empty)."""
        table = to_numpy(self.table).reshape(-1)
        slots = np.flatnonzero(table)
        layout = [self.table_bits, *(number for segment in self.segments for number in (len(segment), *segment))]
        return {
            "slots": slots,
            "counts": table[slots],
            "layout": np.array(layout, dtype=np.int64),
            "scale": np.array([self.count_scale]),
            "multipliers": to_numpy(self.multipliers).copy(),
        }

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ScopeMismatchError: if segments, scale or table size differ, or slots or multipliers do not fit.
        """
        bits, *layout = to_numpy(state["layout"]).tolist()
        segments = []
        while layout:
            length = check_int("segment", layout[0], 0, len(layout))
            segments.append(layout[1 : 1 + length])
            layout = layout[1 + length :]
        self._check_alike(segments, float(to_numpy(state["scale"])[0]), bits)
        table = np.zeros(self.table.shape, dtype=np.int64).reshape(-1)
        slots, counts = to_numpy(state["slots"]), to_numpy(state["counts"])
        if slots.shape != counts.shape or (slots.size and (slots.min() < 0 or slots.max() >= table.size)):
            raise ScopeMismatchError(f"saved counts lie outside this table of {table.size} slots")
        multipliers = to_numpy(state.get("multipliers", self.multipliers))  # missing in states of earlier versions
        if multipliers.shape != tuple(self.multipliers.shape):
            raise ScopeMismatchError(
                f"saved multipliers must have shape {list(self.multipliers.shape)}, got {list(multipliers.shape)}"
            )
        table[slots] = counts
        xp = backend(self.device)
        self.table = xp.asarray(table.reshape(self.table.shape), device=self.device)
        self.multipliers = xp.asarray(multipliers.copy(), device=self.device)

    def _check_alike(self, segments: list[list[int]], scale: float, bits: int) -> None:
        own = (self.segments, self.count_scale, self.table_bits)
        if own != (segments, scale, bits):
            raise ScopeMismatchError(
                f"visit counters differ: this one has (segments, count_scale, table_bits) {own}, "
                f"the other {(segments, scale, bits)}; use the same scope and settings for both"
            )


if not TYPE_CHECKING:
    __getattr__ = former_names(__name__, {"count_bonus": "isa_wrappers.rewards.segments:count_bonus"})
