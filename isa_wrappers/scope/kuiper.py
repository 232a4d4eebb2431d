"""Kuiper's distance of two samples, and the significance of differences."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, namespace
from isa_wrappers.scope.backends import as_array

Floats = npt.NDArray[np.float64]
BIAS = np.pi**2 / 6.0
"""Expected squared distance times the effective number of samples, if both samples have the same distribution."""


def distance(cumulative: Array, other: Array) -> Array:
    """Return Kuiper's ``V = max_c [F(c) - G(c)] + max_c [G(c) - F(c)]`` along the last axis.

    It is the largest difference, over all intervals, between the probabilities of the interval.

    Example:
        >>> float(distance(np.array([0.0, 1.0, 1.0]), np.array([0.5, 0.5, 1.0])))
        1.0
    """
    difference = cumulative - other
    xp = namespace(difference)
    return xp.max(difference, axis=-1) - xp.min(difference, axis=-1)


def scale(effective: Array) -> Array:
    """Return the factor that makes the distribution of the distance independent of the sample sizes.

    ``sqrt(n_e) + 0.155 + 0.24 / sqrt(n_e)`` with ``n_e = n m / (n + m)`` (Stephens, 1970).
    """
    root = effective**0.5
    return root + 0.155 + 0.24 / root


def log_tail(scaled: Any) -> Array:
    """Return ``log p`` of a scaled distance: ``log 2 (4 x^2 - 1) - 2 x^2``, at most 0.

    This is an approximation for large samples: for two samples of 4 to 8 without ties, the true p is up to 2.2 times as
    large (0.114 instead of 0.052 for two fully separated samples of 4).

    Example:
        >>> log_tail([0.1, 2.0]).round(2).tolist()
        [-0.21, -4.6]
    """
    values = as_array(scaled, "float64")
    xp = namespace(values)
    square = xp.square(xp.maximum(values, 1.0))
    return xp.minimum(xp.log(2.0 * (4.0 * square - 1.0)) - 2.0 * square, 0.0)


@cache
def least_scaled(log_p: float) -> float:
    """Return the scaled distance whose :func:`log_tail` is ``log_p``.

    Example:
        >>> round(least_scaled(-20.0), 2)
        3.5
    """
    low, high = 1.0, 2.0 + float(np.sqrt(-log_p))
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(log_tail(middle)) > log_p else (low, middle)
    return high


def unbiased(v: Array, effective: Array) -> Array:
    """Return ``sqrt(max(0, V^2 - (pi^2 / 6) / n_e))``: the distance, corrected for chance."""
    square = as_array(v, "float64") ** 2
    return namespace(square).maximum(square - BIAS / effective, 0.0) ** 0.5


def population_distance(v: Array, missing: Array) -> Array:
    """Return a lower bound of the distance of two populations with missing parts; 0 or less if it may be zero.

    With fractions p and q missing, and F and G the observed probabilities of an interval, the true probabilities differ
    by at least ``(1 - p) F - (1 - q) G - q``, which is at least ``(1 - min(p, q)) (F - G) - max(p, q)``.

    Args:
        v: distance of the observed parts, ``[S]``.
        missing: missing fraction of each population, ``[S, 2]``.

    Example:
        >>> population_distance(np.array([1.0]), np.array([[0.2, 0.3]])).round(2).tolist()
        [0.5]
    """
    xp = namespace(v)
    return (1.0 - xp.min(missing, axis=-1)) * v - xp.max(missing, axis=-1)


def log_factorials(largest: int) -> Floats:
    """Tabulate ``log x!`` for 0 to ``largest``."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, largest + 1)))])


def fisher_log_p(x: Any, n: Any, y: Any, m: Any, table: Array) -> Array:
    """Return the approximate ``log p`` of Fisher's exact test of x out of n against y out of m.

    One tail of the hypergeometric distribution is at most its first term divided by one minus the ratio of its first
    two terms, and close to this bound far out, where it matters. Twice this value stands for both sides. With unequal
    sizes the sides differ: the two-sided p as the sum over all outcomes that are no more likely may be about 7 % larger
    (p below 1e-4), and 20 % larger near p = 1.

    Args:
        x: successes in the first sample, integers.
        n: size of the first sample, integers.
        y: successes in the second sample, integers.
        m: size of the second sample, integers.
        table: result of :func:`log_factorials`, up to the largest ``n + m``.

    Example:
        >>> round(float(np.exp(fisher_log_p(5, 5, 0, 5, log_factorials(10)))), 4)  # 2 / C(10, 5)
        0.0079
    """
    xp = namespace(table)
    parts = [as_array(part, "int64") for part in (x, n, y, m)]
    shape = np.broadcast_shapes(*(tuple(part.shape) for part in parts))  # torch's version has a slow import
    first, size, second, other = (xp.broadcast_to(part, shape) for part in parts)
    upper = first * other > second * size
    high, of_high = xp.where(upper, first, second), xp.where(upper, size, other)
    low, of_low = xp.where(upper, second, first), xp.where(upper, other, size)
    total = high + low
    term = _log_choose(table, of_high, high) + _log_choose(table, of_low, low)
    term -= _log_choose(table, of_high + of_low, total)
    ratio = as_array((of_high - high) * low, "float64") / as_array((high + 1) * (of_low - low + 1), "float64")
    tail = xp.where(ratio < 1.0, term - xp.log1p(-xp.minimum(ratio, 1.0 - 1e-12)), 0.0)
    return xp.minimum(tail + math.log(2.0), 0.0)


def _log_choose(table: Array, n: Array, k: Array) -> Array:
    return table[n] - table[k] - table[n - k]
