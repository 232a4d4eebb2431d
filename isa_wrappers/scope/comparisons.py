"""Pairs of one agent's actions under equal conditions: which transitions are compared, and their histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.scope import kuiper

BINS = 64
"""Rank bins of a change; each holds one or two in a hundred transitions, or one value."""
BLOCK = 16_384
"""Values put into bins at once."""
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Comparisons:
    """One agent's transitions, arranged for comparing its actions two by two.

    For actions a and b only transitions count in which both were available: then either was as likely, and what else
    differs between the samples is chance. Samples that many pairs share (all of a's transitions, where everything
    was available) are one list.

    Attributes:
        rows: the transitions of all lists, one list after the other.
        starts: ``[L]`` where each list begins.
        sizes: ``[L]`` how many it holds.
        pairs: ``[P, 2]`` the actions a < b of each pair.
        lists: ``[P, 2]`` the list of a's transitions with b available, and of b's with a available.
        shares: ``[P, 2]`` the share of all of a's (b's) transitions that these are.
    """

    rows: Integers
    starts: Integers
    sizes: Integers
    pairs: Integers
    lists: Integers
    shares: npt.NDArray[np.float64]

    @property
    def effective(self) -> npt.NDArray[np.float64]:
        """``[P]`` n_e = n m / (n + m)."""
        n, m = self.sizes[self.lists].T.astype(np.float64)
        return n * m / (n + m)  # type: ignore[no-any-return]

    def cumulative(self, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return ``[L, d, BINS]``: the cumulative distribution of bins ``[N, d]`` in each list."""
        number, dims = len(self.sizes), codes.shape[1]
        of_list = np.repeat(np.arange(number) * dims * BINS, self.sizes)
        keys = codes[self.rows] + (of_list[:, None] + np.arange(dims) * BINS)
        counts = np.bincount(keys.reshape(-1), minlength=number * dims * BINS).reshape(number, dims, BINS)
        shares = np.cumsum(counts, axis=-1, dtype=np.float32)
        shares /= self.sizes[:, None, None].astype(np.float32)
        return shares

    def count(self, mask: npt.NDArray[np.bool_]) -> Integers:
        """Return ``[L, d]``: how many transitions of each list are marked in ``mask`` ``[N, d]``."""
        return np.add.reduceat(mask[self.rows], self.starts, axis=0, dtype=np.int64)


def compare(
    actions: Integers, available: npt.NDArray[np.bool_], counts: npt.NDArray[np.bool_], log_p: float = 0.0
) -> Comparisons:
    """Arrange one agent's transitions.

    Args:
        actions: ``[N]`` what it did.
        available: ``[N, n]`` what it could have done.
        counts: ``[N]`` False leaves a transition out.
        log_p: pairs with too few transitions to come to this level of significance are left out.

    Example:
        >>> made = compare(np.array([0, 1, 0, 1]), np.ones((4, 2), dtype=bool), np.array([True, True, True, False]))
        >>> made.pairs.tolist(), made.sizes.tolist(), made.effective.round(2).tolist()
        ([[0, 1]], [2, 1], [0.67])
    """
    number = available.shape[1]
    where: dict[tuple[int, int], int] = {}
    lists: list[Integers] = []
    taken = np.zeros(number)
    for a in range(number):
        own = np.flatnonzero(counts & (actions == a))
        taken[a] = len(own)
        known: dict[bytes, int] = {}
        for b in range(number):
            both = available[own, b]
            if b == a or not both.any():
                continue
            key = both.tobytes()
            if key not in known:
                known[key] = len(lists)
                lists.append(own[both])
            where[a, b] = known[key]
    both_ways = [(a, b) for a, b in where if a < b and (b, a) in where]
    pairs = np.array(both_ways, dtype=np.int64).reshape(-1, 2)
    at = np.array([(where[a, b], where[b, a]) for a, b in both_ways], dtype=np.int64).reshape(-1, 2)
    sizes = np.array([len(one) for one in lists], dtype=np.int64)
    enough = _enough(sizes[at], log_p)
    pairs, at = pairs[enough], at[enough]
    kept, at = np.unique(at, return_inverse=True)
    at, sizes = at.reshape(-1, 2), sizes[kept]
    return Comparisons(
        rows=np.concatenate([np.zeros(0, dtype=np.int64), *(lists[k] for k in kept)]),
        starts=np.cumsum(sizes) - sizes,
        sizes=sizes,
        pairs=pairs,
        lists=at,
        shares=sizes[at] / np.maximum(taken[pairs], 1.0),
    )


def _enough(sizes: Integers, log_p: float) -> npt.NDArray[np.bool_]:
    """Tell ``[P]`` whether samples of these sizes ``[P, 2]`` that share nothing would differ significantly."""
    n, m = sizes.T
    table = kuiper.log_factorials(int((n + m).max(initial=1)))
    apart = kuiper.fisher_log_p(n, n, np.zeros_like(m), m, table)
    return np.minimum(apart, kuiper.log_tail(kuiper.scale(n * m / (n + m)))) <= log_p  # type: ignore[no-any-return]


def rank_bins(values: npt.NDArray[Any], sample: int = 2_048) -> tuple[npt.NDArray[np.uint8], Any]:
    """Put values ``[N, d]`` into at most ``BINS`` bins of about equal numbers that never part equal values.

    Returns:
        The bins ``[N, d]`` and their upper ends ``[d, BINS]``, of which the last is the largest value.

    Example:
        >>> rank_bins(np.array([[3.0], [-1.0], [3.0], [5.0]]))[0][:, 0].argsort(kind="stable").tolist()
        [1, 0, 2, 3]
    """
    length, dims = values.shape
    if length > sample:
        part = np.sort(values[np.linspace(0, length - 1, sample).astype(np.int64)], axis=0)
    else:
        part = np.sort(values, axis=0)
    at = np.minimum(np.arange(1, BINS) * len(part) // BINS, len(part) - 1)
    inner, columns = np.ascontiguousarray(part[at].T), np.ascontiguousarray(values.T)
    codes = np.empty((dims, length), dtype=np.uint8)
    for k in range(dims):
        for start in range(0, length, BLOCK):  # comparing with each end, many values at once, beats bisection
            rows = slice(start, start + BLOCK)
            np.sum(columns[k, rows] > inner[k][:, None], axis=0, dtype=np.uint8, out=codes[k, rows])
    return np.ascontiguousarray(codes.T), np.concatenate([inner, columns.max(axis=1, keepdims=True)], axis=1)
