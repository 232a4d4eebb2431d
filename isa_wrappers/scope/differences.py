"""Find pairs of one agent's actions that cause different changes, with frequency and size of the difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, array_device, namespace, to_numpy
from isa_wrappers.scope import kuiper
from isa_wrappers.scope.backends import as_array, beside, choose
from isa_wrappers.scope.comparisons import ALLOWED, Comparisons, Levels
from isa_wrappers.scope.movers import credit
from isa_wrappers.scope.ranks import BINS

CELLS = 4_000_000
"""Maximum number of elements in one array of histograms."""
REMAINS = 0.5
"""Fraction of an effect that must remain in the worst case for transitions cut off by the end of an episode."""
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Version:
    """A version of the changes for comparing actions: the changes themselves, or the residuals of a fit.

    Attributes:
        ranks: bins, ``[d, N]``.
        ends: upper ends of the bins, ``[d, BINS]``.
        values: values whose mean is the mean change, ``[N, d]``.
    """

    ranks: Array
    ends: Array
    values: Array


@dataclass(frozen=True)
class Differences:
    """The S combinations of a pair of actions and a dimension that differ significantly.

    Attributes:
        pair: index of the pair of actions, ``[S]``.
        dim: index of the dimension, ``[S]``.
        effect: fraction of steps in which the outcome differs, ``[S]`` in [0, 1].
        still: P(no change | first) - P(no change | second), relative to the distance between both; if this gap is
            significant, relative to the larger probability if that is smaller (teammates may seldom leave a dimension
            unchanged), ``[S]``.
        slower: how much smaller the average change is with the first action, relative to their distance, ``[S]``.
        shift: size of the difference in these steps, ``[S]``.
        log_p: log of the probability of an effect this strong anywhere if nothing is moved, ``[S]``.
    """

    pair: Integers
    dim: Integers
    effect: Floats
    still: Floats
    slower: Floats
    shift: Floats
    log_p: Floats


def differences(made: Comparisons, versions: list[Version], levels: Levels) -> Differences:
    """Compare every pair of actions in every dimension, in each version of the changes.

    Kuiper's V obeys the triangle inequality, so the V of a pair is at most the sum of the distances of both lists to
    any third distribution. If this sum cannot be significant, the pair is skipped; the result does not change.

    Args:
        made: the comparisons.
        versions: versions of the changes; the first is the changes themselves.
        levels: significance levels.
    """
    xp = namespace(made.which)
    first, second = made.which[:, 0], made.which[:, 1]
    rest_p = _against_the_rest(made, versions, levels)
    sharp = rest_p <= ALLOWED  # actions known to differ from all others
    sharp_pair = sharp[made.pairs[:, 0]] | sharp[made.pairs[:, 1]]
    scale = kuiper.scale(made.effective)[:, None]
    least = choose(sharp_pair, kuiper.least_scaled(levels.within), kuiper.least_scaled(levels.pair)) / scale
    zeros = made.lists.count(versions[0].values == 0.0)
    fisher_p = _fisher(zeros, made)
    fisher = fisher_p <= choose(sharp_pair, levels.within, levels.pair)
    wanted = fisher | False
    distributions = [made.lists.cumulative(version.ranks) for version in versions]
    for cumulative in distributions:
        near = kuiper.distance(cumulative, xp.mean(cumulative, axis=0))
        wanted |= near[first] + near[second] >= 0.999 * least  # float32
    pair, dim = xp.nonzero(wanted)
    shares = as_array(zeros, "float64") / made.lists.sizes[:, None]
    gap = shares[first[pair], dim] - shares[second[pair], dim]
    often = xp.maximum(shares[first[pair], dim], shares[second[pair], dim])
    rare, least = fisher[pair, dim], least[pair, dim]
    a, b = made.pairs[pair, 0], made.pairs[pair, 1]
    overall = ALLOWED - levels.pair  # correction of a pair's log p for all comparisons
    log_p = xp.minimum(fisher_p[pair, dim] + overall, xp.minimum(rest_p[a, dim], rest_p[b, dim]))
    effect = xp.where(rare, xp.abs(gap), 0.0)
    still = slower = xp.zeros_like(gap)
    shift, sure = xp.full_like(gap, xp.inf), rare | False
    for cumulative, version in zip(distributions, versions, strict=True):
        v, moved = _distances(cumulative, version.ends, first[pair], second[pair], dim)
        seen = v >= least
        log_p = xp.minimum(log_p, kuiper.log_tail(v * scale[pair, 0]) + overall)
        effect = xp.maximum(effect, xp.where(seen, kuiper.unbiased(v, made.effective[pair]), 0.0))
        if version is versions[0]:
            seen = seen | rare
            parted = xp.where(rare, xp.minimum(v, often), v)
            # If another version separates the pair, a significant gap shows which action moves the dimension.
            told = seen | (fisher_p[pair, dim] <= levels.within)
            still = xp.where(told, gap / xp.where(parted > 0.0, parted, 1.0), 0.0)
        shift = xp.minimum(shift, xp.where(seen, moved / xp.where(v > 0.0, v, 1.0), xp.inf))
        sure |= seen
        slower = _slower(made, version, pair, dim) / xp.where(
            moved > 0.0, moved, 1.0
        )  # of the last version: the least noisy
    if made.ended is not None:
        sure &= kuiper.of_all(effect, made.ended[pair]) >= REMAINS * effect
    parts = (to_numpy(array[sure]) for array in (pair, dim, effect, still, slower, shift, xp.minimum(log_p, 0.0)))
    return Differences(*parts)


def _against_the_rest(made: Comparisons, versions: list[Version], levels: Levels) -> Array:
    """Return the corrected log p that a rare action differs this much from all others, ``[n, d]``."""
    rests, xp = made.rests, namespace(made.which)
    shape = made.number, versions[0].ranks.shape[0]
    log_p = xp.zeros(shape, dtype=xp.float64, device=array_device(made.which))
    if len(rests.actions):
        scale = kuiper.scale(rests.effective)[:, None]
        for version in versions:
            apart = kuiper.distance(rests.own.cumulative(version.ranks), rests.others.cumulative(version.ranks))
            seen = kuiper.log_tail(apart * scale) + ALLOWED - levels.rest
            log_p[rests.actions] = xp.minimum(log_p[rests.actions], seen)
    return log_p


def credited(
    made: Comparisons, found: Differences, shape: tuple[int, int], theta: float, ordered: bool = False
) -> tuple[Floats, ...]:
    """Return each action's largest effect and shift and smallest log p over the pairs that credit it, ``[n, d]``."""
    effects, shifts, log_p = np.zeros((3, *shape))
    dims, place = np.unique(found.dim, return_inverse=True)
    if not len(dims):
        return effects, shifts, log_p
    effect, still, slower, covered, shift, certain = np.zeros((6, shape[0], shape[0], len(dims)))
    a, b = made.pairs[found.pair].T
    for one, other, side, sign in ((a, b, 0, 1.0), (b, a, 1, -1.0)):
        effect[one, other, place] = found.effect
        still[one, other, place] = sign * found.still
        slower[one, other, place] = sign * found.slower
        covered[one, other, place] = made.shares[found.pair, side]
        shift[one, other, place] = found.shift
        certain[one, other, place] = found.log_p
    moves = credit(effect, still, slower, theta, ordered)
    effects[:, dims] = np.where(moves, effect * covered, 0.0).max(axis=1)
    shifts[:, dims] = np.where(moves, shift, 0.0).max(axis=1)
    log_p[:, dims] = np.where(moves, certain, 0.0).min(axis=1)
    return effects, shifts, log_p


def _fisher(zeros: Array, made: Comparisons) -> Array:
    """Return the log p of Fisher's test that "no change" is equally frequent with both actions, ``[P, d]``."""
    xp, sides = namespace(zeros), (made.which[:, 0], made.which[:, 1])
    (x, y), (n, m) = (zeros[side] for side in sides), (made.lists.sizes[side] for side in sides)
    log_p = xp.zeros(x.shape, dtype=xp.float64, device=array_device(zeros))
    pair, dim = xp.nonzero(x * m[:, None] != y * n[:, None])
    table = beside(zeros, kuiper.log_factorials(int(xp.max(n + m))))
    log_p[pair, dim] = kuiper.fisher_log_p(x[pair, dim], n[pair], y[pair, dim], m[pair], table)
    return log_p


def _slower(made: Comparisons, version: Version, pair: Array, dim: Array) -> Array:
    """Return how much larger the average change is with the second action than with the first, ``[S]``."""
    xp = namespace(dim)
    dims, place = xp.unique_inverse(dim)
    means = xp.abs(made.lists.mean(version.values[:, dims]))
    return means[made.which[pair, 1], place] - means[made.which[pair, 0], place]


def _distances(cumulative: Array, ends: Array, first: Array, second: Array, dim: Array) -> tuple[Array, Array]:
    """Return the Kuiper and Wasserstein distances, ``[S]``, computed in chunks."""
    xp = namespace(ends)
    widths = ends[:, 1:] - ends[:, :-1]
    v, moved = xp.zeros((2, len(dim)), dtype=xp.float64, device=array_device(ends))
    at_once = max(1, CELLS // (2 * BINS))
    for start in range(0, len(dim), at_once):
        part = slice(start, start + at_once)
        apart = cumulative[first[part], dim[part]] - cumulative[second[part], dim[part]]
        v[part] = kuiper.distance(apart, 0.0)
        moved[part] = xp.sum(xp.abs(apart[:, :-1]) * widths[dim[part]], axis=1)
    return v, moved
