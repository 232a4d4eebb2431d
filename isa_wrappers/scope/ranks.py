"""Ranks of changes, and their distribution in many lists of transitions at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 64
"""Rank bins of a change; each holds one or two in a hundred transitions, or one value."""
BLOCK = 16_384
"""Values put into bins at once."""
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lists:
    """L lists of transitions.

    Attributes:
        rows: the transitions, one list after the other.
        sizes: ``[L]`` how many each holds.
        weights: how much each counts; ``None`` for one each.
    """

    rows: Integers
    sizes: Integers
    weights: npt.NDArray[np.float64] | None = None

    @classmethod
    def of(cls, lists: list[Integers], weights: list[npt.NDArray[np.float64]] | None = None) -> Lists:
        """Put lists together."""
        none = np.zeros(0, dtype=np.int64)
        together = None if weights is None else np.concatenate([np.zeros(0), *weights])
        return cls(np.concatenate([none, *lists]), np.array([len(one) for one in lists], dtype=np.int64), together)

    def cumulative(self, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return ``[L, d, BINS]``: the cumulative distribution of bins ``[N, d]`` in each list."""
        number, dims = len(self.sizes), codes.shape[1]
        of_list = np.repeat(np.arange(number) * dims * BINS, self.sizes)
        keys = codes[self.rows] + (of_list[:, None] + np.arange(dims) * BINS)
        weights = None if self.weights is None else np.repeat(self.weights, dims)
        counts = np.bincount(keys.reshape(-1), weights, number * dims * BINS).reshape(number, dims, BINS)
        shares = np.cumsum(counts, axis=-1, dtype=np.float32)
        shares /= shares[..., -1:].copy()
        return shares

    def count(self, mask: npt.NDArray[np.bool_]) -> Integers:
        """Return ``[L, d]``: how many transitions of each list are marked in ``mask`` ``[N, d]``."""
        return np.add.reduceat(mask[self.rows], np.cumsum(self.sizes) - self.sizes, axis=0, dtype=np.int64)

    def mean(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return ``[L, d]``: the mean of ``values`` ``[N, d]`` in each list."""
        sums = np.add.reduceat(values[self.rows], np.cumsum(self.sizes) - self.sizes, axis=0)
        return sums / self.sizes[:, None]  # type: ignore[no-any-return]


def rank_bins(values: npt.NDArray[Any], sample: Integers) -> tuple[npt.NDArray[np.uint8], Any]:
    """Put values ``[N, d]`` into at most ``BINS`` bins that never part equal values.

    Args:
        values: to rank.
        sample: rows in which the bins hold about equal numbers.

    Returns:
        The bins ``[N, d]`` and their upper ends ``[d, BINS]``, of which the last is the largest value.

    Example:
        >>> rank_bins(np.array([[3.0], [-1.0], [3.0], [5.0]]), np.arange(4))[0][:, 0].argsort(kind="stable").tolist()
        [1, 0, 2, 3]
    """
    length, dims = values.shape
    part = np.sort(values[sample], axis=0)
    at = np.minimum(np.arange(1, BINS) * len(part) // BINS, len(part) - 1)
    inner, columns = np.ascontiguousarray(part[at].T), np.ascontiguousarray(values.T)
    codes = np.empty((dims, length), dtype=np.uint8)
    for k in range(dims):
        ends, repeats = np.unique(inner[k], return_counts=True)
        code = np.concatenate([[0], np.cumsum(repeats)]).astype(np.uint8)
        for start in range(0, length, BLOCK):  # comparing with each end, many values at once, beats bisection
            rows = slice(start, start + BLOCK)
            codes[k, rows] = code[np.sum(columns[k, rows] > ends[:, None], axis=0, dtype=np.uint8)]
    return np.ascontiguousarray(codes.T), np.concatenate([inner, columns.max(axis=1, keepdims=True)], axis=1)


def groups_of(column: npt.NDArray[Any], most: int, number: int) -> npt.NDArray[np.int64]:
    """Part a column ``[N]`` by its values, or, where there are more than ``most``, into ``number`` about equal groups.

    Example:
        >>> groups_of(np.array([3.0, 5.0, 3.0]), 24, 8).tolist(), groups_of(np.arange(6.0), 2, 2).tolist()
        ([0, 1, 0], [0, 0, 0, 1, 1, 1])
    """
    values, group = np.unique(column, return_inverse=True)
    if len(values) > most:
        group = np.searchsorted(np.quantile(column, np.arange(1, number) / number), column, side="left")
    return np.asarray(group, dtype=np.int64).reshape(-1)
