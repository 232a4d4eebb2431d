"""Which pairs of one agent's actions make different changes, how often, and by how much."""

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
"""Numbers in one array of histograms."""
REMAINS = 0.5
"""Such a share of an effect must be left however it would have gone where an end of the episode came first."""
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Version:
    """A version of the change that actions are compared in: the change itself, or what a fit leaves of it.

    Attributes:
        ranks: ``[d, N]`` bins.
        ends: ``[d, BINS]`` their upper ends.
        values: ``[N, d]``; their mean is the mean change.
    """

    ranks: Array
    ends: Array
    values: Array


@dataclass(frozen=True)
class Differences:
    """The S pairs of actions and dimensions that surely differ.

    Attributes:
        pair: ``[S]`` which pair of actions.
        dim: ``[S]`` which dimension.
        effect: ``[S]`` in how many steps the outcome differs, in [0, 1].
        still: ``[S]`` P(no change | first) - P(no change | second), as a share of what parts them; where that gap is
            sure, of the larger of both, if that is less (teammates may seldom leave things unchanged).
        slower: ``[S]`` by how much less the average change is with the first, as a share of how far they are apart.
        shift: ``[S]`` how far the outcome is moved in those steps.
        log_p: ``[S]`` log of the chance that anything as strong is found anywhere where nothing is moved.
    """

    pair: Integers
    dim: Integers
    effect: Floats
    still: Floats
    slower: Floats
    shift: Floats
    log_p: Floats


def differences(made: Comparisons, versions: list[Version], levels: Levels) -> Differences:
    """Compare every pair in every dimension, in each version of the change.

    Kuiper's V obeys the triangle inequality, so a pair's V is at most the sum of both lists' distances to any third
    distribution. Where that sum cannot be significant the pair is passed over: what comes out is the same.

    Args:
        made: what is compared.
        versions: of the change; the first is the change itself.
        levels: of significance.
    """
    xp = namespace(made.which)
    first, second = made.which[:, 0], made.which[:, 1]
    rest_p = _against_the_rest(made, versions, levels)
    sharp = rest_p <= ALLOWED  # actions that are known to differ from all others
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
    overall = ALLOWED - levels.pair  # what a pair's log p becomes among all that is compared
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
            # Of a pair that another version tells apart, the gap tells which one moves, if it is no chance by itself.
            told = seen | (fisher_p[pair, dim] <= levels.within)
            still = xp.where(told, gap / xp.where(parted > 0.0, parted, 1.0), 0.0)
        shift = xp.minimum(shift, xp.where(seen, moved / xp.where(v > 0.0, v, 1.0), xp.inf))
        sure |= seen
        slower = _slower(made, version, pair, dim) / xp.where(moved > 0.0, moved, 1.0)  # of the last: the least noisy
    if made.ended is not None:
        sure &= kuiper.of_all(effect, made.ended[pair]) >= REMAINS * effect
    parts = (to_numpy(array[sure]) for array in (pair, dim, effect, still, slower, shift, xp.minimum(log_p, 0.0)))
    return Differences(*parts)


def _against_the_rest(made: Comparisons, versions: list[Version], levels: Levels) -> Array:
    """Return ``[n, d]``: log of the chance that a rare action differs as much from all others, among all compared."""
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
    """Return each action's largest effect and shift, and its least log p, ``[n, d]``, of the pairs that credit it."""
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
    """Return ``[P, d]``: log of the chance that "no change" is that much more frequent with one action by chance."""
    xp, sides = namespace(zeros), (made.which[:, 0], made.which[:, 1])
    (x, y), (n, m) = (zeros[side] for side in sides), (made.lists.sizes[side] for side in sides)
    log_p = xp.zeros(x.shape, dtype=xp.float64, device=array_device(zeros))
    pair, dim = xp.nonzero(x * m[:, None] != y * n[:, None])
    table = beside(zeros, kuiper.log_factorials(int(xp.max(n + m))))
    log_p[pair, dim] = kuiper.fisher_log_p(x[pair, dim], n[pair], y[pair, dim], m[pair], table)
    return log_p


def _slower(made: Comparisons, version: Version, pair: Array, dim: Array) -> Array:
    """Return ``[S]`` how much larger the average change is with the second action than with the first."""
    xp = namespace(dim)
    dims, place = xp.unique_inverse(dim)
    means = xp.abs(made.lists.mean(version.values[:, dims]))
    return means[made.which[pair, 1], place] - means[made.which[pair, 0], place]


def _distances(cumulative: Array, ends: Array, first: Array, second: Array, dim: Array) -> tuple[Array, Array]:
    """Return ``[S]`` Kuiper's distance and Wasserstein's, a part at a time."""
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
