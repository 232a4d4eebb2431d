"""Quick screening of many strata at once for those in which an action may change a dimension."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isa_wrappers.scope import kuiper
from isa_wrappers.scope.comparisons import Levels
from isa_wrappers.scope.differences import Floats, Integers

BINS = 16
SLACK = 0.65
"""Fraction of the critical value of a pair from which a stratum is examined in full.

The screening compares an action with all others, some of which may be similar. If half of many actions do one thing and
half another, each action differs from the rest half as much as a pair of different actions, with twice the effective
number of transitions: this leaves 0.7 of the statistic of a pair.
"""
CELLS = 2_000_000
"""Maximum number of counts in one array."""


@dataclass(frozen=True)
class Screen:
    """One agent's transitions, arranged for screening.

    Attributes:
        versions: coarse bins of each version of the changes, ``[V, N, d]``.
        zero: whether nothing changed, ``[N, d]`` bool.
        actions: actions of the agent, ``[N]``.
        number: number of actions, n.
        levels: significance levels of the full comparison.
    """

    versions: npt.NDArray[np.uint8]
    zero: npt.NDArray[np.bool_]
    actions: Integers
    number: int
    levels: Levels

    @classmethod
    def of(cls, versions: list[Floats], actions: Integers, number: int, levels: Levels) -> Screen:
        """Arrange changes ``[N, d]``; the first version is the changes themselves."""
        return cls(np.stack([coarse_bins(part) for part in versions]), versions[0] == 0.0, actions, number, levels)

    def candidates(self, group: Integers) -> npt.NDArray[np.bool_]:
        """Return in which groups and dimensions actions may differ, ``[G, d]``; ``group`` ``[N]`` is -1 for none."""
        number, dims = int(group.max(initial=-1)) + 1, self.zero.shape[1]
        is_candidate = np.zeros((number, dims), dtype=bool)
        rows = np.flatnonzero(group >= 0)
        cell = group[rows] * self.number + self.actions[rows]
        taken = np.bincount(cell, minlength=number * self.number).reshape(number, self.number, 1).astype(np.float64)
        others = taken.sum(axis=1, keepdims=True) - taken
        effective = taken * others / np.maximum(taken + others, 1.0)
        scale = np.where(effective > 0.0, kuiper.scale(np.maximum(effective, 1e-9)), 0.0)
        least = SLACK * kuiper.least_scaled(self.levels.pair)
        at_once = max(1, CELLS // (number * self.number * BINS or 1))
        for start in range(0, dims, at_once):
            part = slice(start, start + at_once)
            for version in self.versions:
                counts = _counts(version[rows, part], cell, number * self.number, BINS)
                counts = counts.reshape(number, self.number, -1, BINS)
                is_candidate[:, part] |= (_kuiper_distances(counts, taken, others) * scale >= least).any(axis=1)
            zeros = _counts(self.zero[rows, part].astype(np.uint8), cell, number * self.number, 2)[..., 1]
            is_candidate[:, part] |= self._rare(zeros.reshape(number, self.number, -1), taken, others)
        return is_candidate

    def _rare(self, zeros: Integers, taken: Floats, others: Floats) -> npt.NDArray[np.bool_]:
        """Return where "no change" is more frequent with one action than with the others, ``[G, d]``."""
        rest = zeros.sum(axis=1, keepdims=True) - zeros
        table = kuiper.log_factorials(int((taken + others).max(initial=1)))
        p = kuiper.fisher_log_p(zeros, taken, rest, others, table)
        return np.asarray((p <= SLACK**2 * self.levels.pair).any(axis=1))


def coarse_bins(values: Floats) -> npt.NDArray[np.uint8]:
    """Put values ``[N, d]`` into at most 16 bins: one for 0, the others by quantiles.

    Example:
        >>> coarse_bins(np.array([[-1.0], [0.0], [0.0], [2.0], [2.0]]))[:, 0].tolist()
        [0, 1, 1, 2, 2]
    """
    codes = np.zeros(values.shape, dtype=np.uint8)
    around_zero = [np.nextafter(0.0, -1.0), 0.0]
    for k, column in enumerate(values.T):
        moved = column[column != 0.0]
        if len(moved):
            cuts = np.quantile(moved, np.arange(1, BINS - 2) / (BINS - 2), method="lower")
            raw = np.searchsorted(np.unique(np.concatenate([cuts, around_zero])), column, side="left")
            codes[:, k] = np.unique(raw, return_inverse=True)[1]
    return codes


def _counts(codes: npt.NDArray[np.uint8], cell: Integers, cells: int, bins: int) -> Integers:
    """Return how often each code ``[N, d]`` occurs in each cell, ``[cells, d, bins]``."""
    dims = codes.shape[1]
    keys = codes + (cell[:, None] * dims + np.arange(dims)) * bins
    return np.bincount(keys.reshape(-1), minlength=cells * dims * bins).reshape(cells, dims, bins)


def _kuiper_distances(counts: Integers, taken: Floats, others: Floats) -> Floats:
    """Return Kuiper's distance between the distributions of each action and of all others, ``[G, n, d]``."""
    cumulative = counts.cumsum(axis=-1).astype(np.float32)
    rest = cumulative.sum(axis=1, keepdims=True) - cumulative
    shares = cumulative / np.maximum(taken, 1.0)[..., None]
    return np.asarray(kuiper.distance(shares, rest / np.maximum(others, 1.0)[..., None]))
