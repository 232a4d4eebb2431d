"""Ranks of changes, and their distributions in many lists of transitions at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, array_device, namespace
from isa_wrappers.scope.backends import bins_of, contiguous, count_keys, list_sums

BINS = 64
"""Number of rank bins of a change; each contains one to two percent of the transitions, or a single value."""
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lists:
    """L lists of transitions.

    Attributes:
        rows: indices of the transitions, one list after the other.
        sizes: size of each list, ``[L]``.
        weights: weight of each transition; ``None`` for 1.
    """

    rows: Integers
    sizes: Integers
    weights: npt.NDArray[np.float64] | None = None

    @classmethod
    def of(cls, lists: list[Integers], weights: list[npt.NDArray[np.float64]] | None = None) -> Lists:
        """Concatenate lists."""
        no_rows = np.zeros(0, dtype=np.int64)
        all_weights = None if weights is None else np.concatenate([np.zeros(0), *weights])
        return cls(
            np.concatenate([no_rows, *lists]), np.array([len(rows) for rows in lists], dtype=np.int64), all_weights
        )

    def cumulative(self, codes: Array) -> Array:
        """Return the cumulative distribution of bins ``[d, N]`` in each list, ``[L, d, BINS]``."""
        xp, device = namespace(codes), array_device(codes)
        number, dims = len(self.sizes), codes.shape[0]
        of_list = xp.repeat(xp.arange(number, device=device) * (dims * BINS), self.sizes)
        keys = codes[:, self.rows] + (of_list + xp.arange(dims, device=device)[:, None] * BINS)
        weights = None if self.weights is None else xp.broadcast_to(self.weights, keys.shape).reshape(-1)
        counts = count_keys(keys.reshape(-1), weights, number * dims * BINS).reshape(number, dims, BINS)
        shares = xp.cumulative_sum(counts, axis=-1, dtype=xp.float32)
        shares /= shares[..., -1:] + 0.0
        return shares

    def count(self, mask: Array) -> Array:
        """Return how many transitions of each list are marked in ``mask`` ``[N, d]``, ``[L, d]``."""
        return list_sums(mask[self.rows], self.sizes, "int64")

    def mean(self, values: Array) -> Array:
        """Return the mean of ``values`` ``[N, d]`` in each list, ``[L, d]``."""
        return list_sums(values[self.rows], self.sizes, "float64") / self.sizes[:, None]


def rank_bins(values: Array, sample: Integers) -> tuple[Array, Array]:
    """Put values ``[N, d]`` into at most ``BINS`` bins that never separate equal values.

    Args:
        values: values to rank.
        sample: rows in which the bins contain about equal numbers.

    Returns:
        The bins ``[d, N]`` and their upper ends ``[d, BINS]``; the last one is the largest value.

    Example:
        >>> rank_bins(np.array([[3.0], [-1.0], [3.0], [5.0]]), np.arange(4))[0][0].argsort(kind="stable").tolist()
        [1, 0, 2, 3]
    """
    xp = namespace(values)
    columns = contiguous(values.T)
    sorted_sample = xp.sort(columns[:, sample], axis=1)
    positions = np.minimum(np.arange(1, BINS) * len(sample) // BINS, len(sample) - 1)
    inner = contiguous(sorted_sample[:, positions])
    ends = xp.concat([inner, xp.max(columns, axis=1, keepdims=True)], axis=1)
    return bins_of(columns, inner), ends


def groups_of(column: npt.NDArray[Any], most: int, number: int) -> npt.NDArray[np.int64]:
    """Group a column ``[N]`` by its values or, if there are more than ``most``, into ``number`` similar-sized groups.

    Example:
        >>> groups_of(np.array([3.0, 5.0, 3.0]), 24, 8).tolist(), groups_of(np.arange(6.0), 2, 2).tolist()
        ([0, 1, 0], [0, 0, 0, 1, 1, 1])
    """
    values, group = np.unique(column, return_inverse=True)
    if len(values) > most:
        group = np.searchsorted(np.quantile(column, np.arange(1, number) / number), column, side="left")
    return np.asarray(group, dtype=np.int64).reshape(-1)
