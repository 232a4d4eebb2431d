"""Which pairs of one agent's actions make different changes, how often, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isa_wrappers.scope import kuiper
from isa_wrappers.scope.comparisons import BINS, Comparisons
from isa_wrappers.scope.movers import credit

CELLS = 4_000_000
"""Numbers in one array of histograms."""
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bins = tuple[npt.NDArray[np.uint8], Floats]
"""Ranks ``[N, d]`` and the bins' upper ends ``[d, BINS]``, of :func:`~isa_wrappers.scope.comparisons.rank_bins`."""


@dataclass(frozen=True)
class Differences:
    """The S pairs of actions and dimensions that surely differ.

    Attributes:
        pair: ``[S]`` which pair of actions.
        dim: ``[S]`` which dimension.
        effect: ``[S]`` in how many steps the outcome differs, in [0, 1].
        still: ``[S]`` P(no change | first) - P(no change | second), as a share of what parts them.
        shift: ``[S]`` how far the outcome is moved in those steps.
    """

    pair: Integers
    dim: Integers
    effect: Floats
    still: Floats
    shift: Floats


def differences(made: Comparisons, versions: list[Bins], unchanged: npt.NDArray[np.bool_], log_p: float) -> Differences:
    """Compare every pair in every dimension, in each version of the change.

    Kuiper's V obeys the triangle inequality, so a pair's V is at most the sum of both lists' distances to any third
    distribution. Where that sum cannot be significant the pair is passed over: what comes out is the same.

    Args:
        made: what is compared.
        versions: of the change; the first is the change itself.
        unchanged: ``[N, d]`` where it is none.
        log_p: log of the level of significance of one test.
    """
    first, second = made.lists.T
    effective = made.effective
    least = kuiper.least_scaled(log_p) / kuiper.scale(effective)
    zeros = made.count(unchanged)
    fisher = _fisher(zeros, made, log_p)
    wanted = fisher.copy()
    distributions = [made.cumulative(codes) for codes, _ in versions]
    for cumulative in distributions:
        near = kuiper.distance(cumulative, np.mean(cumulative, axis=0))
        wanted |= near[first] + near[second] >= 0.999 * least[:, None]  # float32
    pair, dim = np.nonzero(wanted)
    shares = zeros / made.sizes[:, None]
    gap = shares[first[pair], dim] - shares[second[pair], dim]
    rare = fisher[pair, dim]
    effect = np.where(rare, np.abs(gap), 0.0)
    shift = np.full(len(pair), np.inf)
    sure = rare.copy()
    still = np.zeros(len(pair))
    for number, (cumulative, (_, ends)) in enumerate(zip(distributions, versions, strict=True)):
        v, moved = _distances(cumulative, ends, first[pair], second[pair], dim)
        seen = v >= least[pair]
        effect = np.maximum(effect, np.where(seen, kuiper.unbiased(v, effective[pair]), 0.0))
        apart = moved / np.where(v > 0.0, v, 1.0)
        if number == 0:
            still = np.where(seen | rare, gap / np.where(v > 0.0, v, 1.0), 0.0)
            seen = seen | rare
        shift = np.minimum(shift, np.where(seen, apart, np.inf))
        sure |= seen
    return Differences(pair[sure], dim[sure], effect[sure], still[sure], shift[sure])


def credited(made: Comparisons, found: Differences, shape: tuple[int, int], theta: float) -> tuple[Floats, Floats]:
    """Return each action's largest effect and shift ``[n, d]``, of the pairs that credit it."""
    effects, shifts = np.zeros(shape), np.zeros(shape)
    dims, place = np.unique(found.dim, return_inverse=True)
    if not len(dims):
        return effects, shifts
    dense = np.zeros((4, shape[0], shape[0], len(dims)))
    effect, still, covered, shift = dense
    a, b = made.pairs[found.pair].T
    for one, other, side, sign in ((a, b, 0, 1.0), (b, a, 1, -1.0)):
        effect[one, other, place] = found.effect
        still[one, other, place] = sign * found.still
        covered[one, other, place] = made.shares[found.pair, side]
        shift[one, other, place] = found.shift
    moves = credit(effect, still, theta)
    effects[:, dims] = np.where(moves, effect * covered, 0.0).max(axis=1)
    shifts[:, dims] = np.where(moves, shift, 0.0).max(axis=1)
    return effects, shifts


def _fisher(zeros: Integers, made: Comparisons, log_p: float) -> npt.NDArray[np.bool_]:
    """Tell ``[P, d]`` where "no change" is surely more frequent with one action than with the other."""
    (x, y), (n, m) = (zeros[side] for side in made.lists.T), (made.sizes[side] for side in made.lists.T)
    sure = x * m[:, None] != y * n[:, None]
    pair, dim = np.nonzero(sure)
    table = kuiper.log_factorials(int((n + m).max(initial=1)))
    sure[pair, dim] = kuiper.fisher_log_p(x[pair, dim], n[pair], y[pair, dim], m[pair], table) <= log_p
    return sure


def _distances(
    cumulative: npt.NDArray[np.float32], ends: Floats, first: Integers, second: Integers, dim: Integers
) -> tuple[Floats, Floats]:
    """Return ``[S]`` Kuiper's distance and Wasserstein's, a part at a time."""
    widths = np.diff(ends, axis=1)
    v, moved = np.zeros((2, len(dim)))
    at_once = max(1, CELLS // (2 * BINS))
    for start in range(0, len(dim), at_once):
        part = slice(start, start + at_once)
        apart = cumulative[first[part], dim[part]] - cumulative[second[part], dim[part]]
        v[part] = kuiper.distance(apart, np.float32(0.0))
        moved[part] = (np.abs(apart[:, :-1]) * widths[dim[part]]).sum(axis=1)
    return v, moved
