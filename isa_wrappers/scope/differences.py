"""Find pairs of one agent's actions that cause different changes, with frequency and size of the difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, array_device, namespace, to_numpy
from isa_wrappers.scope import kuiper
from isa_wrappers.scope.backends import as_array, choose, to_device_of
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


def differences(comparisons: Comparisons, versions: list[Version], levels: Levels) -> Differences:
    """Compare every pair of actions in every dimension, in each version of the changes.

    Kuiper's V obeys the triangle inequality, so the V of a pair is at most the sum of the distances of both lists to
    any third distribution. If this sum cannot be significant, the pair is skipped; the result does not change.

    Args:
        comparisons: the comparisons.
        versions: versions of the changes; the first is the changes themselves.
        levels: significance levels.
    """
    xp = namespace(comparisons.which)
    first, second = comparisons.which[:, 0], comparisons.which[:, 1]
    rest_p = _rest_log_p(comparisons, versions, levels)
    sharp = rest_p <= ALLOWED  # actions known to differ from all others
    sharp_pair = sharp[comparisons.pairs[:, 0]] | sharp[comparisons.pairs[:, 1]]
    scale = kuiper.scale(comparisons.effective)[:, None]
    least = choose(sharp_pair, kuiper.least_scaled(levels.within), kuiper.least_scaled(levels.pair)) / scale
    zeros = comparisons.lists.count(versions[0].values == 0.0)
    fisher_p = _fisher(zeros, comparisons)
    fisher = fisher_p <= choose(sharp_pair, levels.within, levels.pair)
    candidates = fisher | False
    distributions = [comparisons.lists.cumulative(version.ranks) for version in versions]
    for cumulative in distributions:
        to_mean = kuiper.distance(cumulative, xp.mean(cumulative, axis=0))
        candidates |= to_mean[first] + to_mean[second] >= 0.999 * least  # float32
    pair, dim = xp.nonzero(candidates)
    shares = as_array(zeros, "float64") / comparisons.lists.sizes[:, None]
    gap = shares[first[pair], dim] - shares[second[pair], dim]
    larger_share = xp.maximum(shares[first[pair], dim], shares[second[pair], dim])
    by_fisher, least = fisher[pair, dim], least[pair, dim]
    a, b = comparisons.pairs[pair, 0], comparisons.pairs[pair, 1]
    overall = ALLOWED - levels.pair  # correction of a pair's log p for all comparisons
    log_p = xp.minimum(fisher_p[pair, dim] + overall, xp.minimum(rest_p[a, dim], rest_p[b, dim]))
    effect = xp.where(by_fisher, xp.abs(gap), 0.0)
    still = slower = xp.zeros_like(gap)
    shift, confirmed = xp.full_like(gap, xp.inf), by_fisher | False
    for cumulative, version in zip(distributions, versions, strict=True):
        v, moved = _distances(cumulative, version.ends, first[pair], second[pair], dim)
        detected = v >= least
        log_p = xp.minimum(log_p, kuiper.log_tail(v * scale[pair, 0]) + overall)
        effect = xp.maximum(effect, xp.where(detected, kuiper.unbiased(v, comparisons.effective[pair]), 0.0))
        if version is versions[0]:
            detected = detected | by_fisher
            separation = xp.where(by_fisher, xp.minimum(v, larger_share), v)
            # If another version separates the pair, a significant gap shows which action moves the dimension.
            is_known = detected | (fisher_p[pair, dim] <= levels.within)
            still = xp.where(is_known, gap / xp.where(separation > 0.0, separation, 1.0), 0.0)
        shift = xp.minimum(shift, xp.where(detected, moved / xp.where(v > 0.0, v, 1.0), xp.inf))
        confirmed |= detected
        slower = _slower(comparisons, version, pair, dim) / xp.where(
            moved > 0.0, moved, 1.0
        )  # of the last version: the least noisy
    if comparisons.ended is not None:
        confirmed &= kuiper.population_distance(effect, comparisons.ended[pair]) >= REMAINS * effect
    parts = (to_numpy(array[confirmed]) for array in (pair, dim, effect, still, slower, shift, xp.minimum(log_p, 0.0)))
    return Differences(*parts)


def _rest_log_p(comparisons: Comparisons, versions: list[Version], levels: Levels) -> Array:
    """Return the corrected log p that a rare action differs this much from all others, ``[n, d]``."""
    rests, xp = comparisons.rests, namespace(comparisons.which)
    shape = comparisons.number, versions[0].ranks.shape[0]
    log_p = xp.zeros(shape, dtype=xp.float64, device=array_device(comparisons.which))
    if len(rests.actions):
        scale = kuiper.scale(rests.effective)[:, None]
        for version in versions:
            distance = kuiper.distance(rests.own.cumulative(version.ranks), rests.others.cumulative(version.ranks))
            corrected = kuiper.log_tail(distance * scale) + ALLOWED - levels.rest
            log_p[rests.actions] = xp.minimum(log_p[rests.actions], corrected)
    return log_p


def credited_effects(
    comparisons: Comparisons, significant: Differences, shape: tuple[int, int], theta: float, ordered: bool = False
) -> tuple[Floats, ...]:
    """Return each action's largest effect and shift and smallest log p over the pairs that credit it, ``[n, d]``."""
    effects, shifts, log_p = np.zeros((3, *shape))
    dims, column = np.unique(significant.dim, return_inverse=True)
    if not len(dims):
        return effects, shifts, log_p
    effect, still, slower, covered, shift, pair_log_p = np.zeros((6, shape[0], shape[0], len(dims)))
    a, b = comparisons.pairs[significant.pair].T
    for first, second, side, sign in ((a, b, 0, 1.0), (b, a, 1, -1.0)):
        effect[first, second, column] = significant.effect
        still[first, second, column] = sign * significant.still
        slower[first, second, column] = sign * significant.slower
        covered[first, second, column] = comparisons.shares[significant.pair, side]
        shift[first, second, column] = significant.shift
        pair_log_p[first, second, column] = significant.log_p
    moves = credit(effect, still, slower, theta, ordered)
    effects[:, dims] = np.where(moves, effect * covered, 0.0).max(axis=1)
    shifts[:, dims] = np.where(moves, shift, 0.0).max(axis=1)
    log_p[:, dims] = np.where(moves, pair_log_p, 0.0).min(axis=1)
    return effects, shifts, log_p


def _fisher(zeros: Array, comparisons: Comparisons) -> Array:
    """Return the log p of Fisher's test that "no change" is equally frequent with both actions, ``[P, d]``."""
    xp, sides = namespace(zeros), (comparisons.which[:, 0], comparisons.which[:, 1])
    (x, y), (n, m) = (zeros[side] for side in sides), (comparisons.lists.sizes[side] for side in sides)
    log_p = xp.zeros(x.shape, dtype=xp.float64, device=array_device(zeros))
    pair, dim = xp.nonzero(x * m[:, None] != y * n[:, None])
    table = to_device_of(zeros, kuiper.log_factorials(int(xp.max(n + m))))
    log_p[pair, dim] = kuiper.fisher_log_p(x[pair, dim], n[pair], y[pair, dim], m[pair], table)
    return log_p


def _slower(comparisons: Comparisons, version: Version, pair: Array, dim: Array) -> Array:
    """Return how much larger the average change is with the second action than with the first, ``[S]``."""
    xp = namespace(dim)
    dims, column = xp.unique_inverse(dim)
    means = xp.abs(comparisons.lists.mean(version.values[:, dims]))
    return means[comparisons.which[pair, 1], column] - means[comparisons.which[pair, 0], column]


def _distances(cumulative: Array, ends: Array, first: Array, second: Array, dim: Array) -> tuple[Array, Array]:
    """Return the Kuiper and Wasserstein distances, ``[S]``, computed in chunks."""
    xp = namespace(ends)
    widths = ends[:, 1:] - ends[:, :-1]
    v, moved = xp.zeros((2, len(dim)), dtype=xp.float64, device=array_device(ends))
    at_once = max(1, CELLS // (2 * BINS))
    for start in range(0, len(dim), at_once):
        part = slice(start, start + at_once)
        difference = cumulative[first[part], dim[part]] - cumulative[second[part], dim[part]]
        v[part] = kuiper.distance(difference, 0.0)
        moved[part] = xp.sum(xp.abs(difference[:, :-1]) * widths[dim[part]], axis=1)
    return v, moved
