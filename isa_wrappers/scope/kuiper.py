"""Kuiper's distance of two samples, and how surely two samples differ."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BIAS = np.pi**2 / 6.0
"""Of the squared distance times the effective number of samples, where both samples come from one distribution."""


def distance(cumulative: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return Kuiper's ``V = max_c [F(c) - G(c)] + max_c [G(c) - F(c)]`` along the last axis.

    It is the largest difference, over all intervals, of the probabilities to lie in the interval.

    Example:
        >>> float(distance(np.array([0.0, 1.0, 1.0]), np.array([0.5, 0.5, 1.0])))
        1.0
    """
    difference = cumulative - other
    return difference.max(axis=-1) - difference.min(axis=-1)  # type: ignore[no-any-return]


def scale(effective: Floats) -> Floats:
    """Return what the distance is multiplied by before its distribution no longer depends on the samples' sizes.

    ``sqrt(n_e) + 0.155 + 0.24 / sqrt(n_e)`` with ``n_e = n m / (n + m)`` (Stephens, 1970).
    """
    root = np.sqrt(effective)
    return root + 0.155 + 0.24 / root  # type: ignore[no-any-return]


def log_tail(scaled: npt.ArrayLike) -> Floats:
    """Return ``log p`` of a scaled distance: ``log 2 (4 x^2 - 1) - 2 x^2``, at most 0.

    Example:
        >>> log_tail([0.1, 2.0]).round(2).tolist()
        [-0.21, -4.6]
    """
    square = np.square(np.maximum(np.asarray(scaled, dtype=np.float64), 1.0))
    return np.minimum(np.log(2.0 * (4.0 * square - 1.0)) - 2.0 * square, 0.0)  # type: ignore[no-any-return]


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


def unbiased(v: npt.NDArray[Any], effective: Floats) -> Floats:
    """Return ``sqrt(max(0, V^2 - (pi^2 / 6) / n_e))``: the distance less what chance makes of it."""
    return np.sqrt(np.maximum(0.0, np.square(v, dtype=np.float64) - BIAS / effective))  # type: ignore[no-any-return]


def log_factorials(largest: int) -> Floats:
    """Tabulate ``log x!`` for 0 to ``largest``."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, largest + 1)))])


def fisher_log_p(x: npt.ArrayLike, n: npt.ArrayLike, y: npt.ArrayLike, m: npt.ArrayLike, table: Floats) -> Floats:
    """Bound ``log p`` of Fisher's exact test from above: do x of n and y of m differ?

    The tail of the hypergeometric distribution is its first term over one less the ratio of its first two: exact far
    out, where it matters. Twice that, for both sides.

    Args:
        x: integers, successes among the first.
        n: integers, sizes of the first.
        y: integers, successes among the second.
        m: integers, sizes of the second.
        table: of :func:`log_factorials`, up to the largest ``n + m``.

    Example:
        >>> round(float(np.exp(fisher_log_p(5, 5, 0, 5, log_factorials(10)))), 4)  # 2 / C(10, 5)
        0.0079
    """
    first, size, second, other = np.broadcast_arrays(*(np.asarray(part, dtype=np.int64) for part in (x, n, y, m)))
    upper = first * other > second * size
    high, of_high = np.where(upper, first, second), np.where(upper, size, other)
    low, of_low = np.where(upper, second, first), np.where(upper, other, size)
    total = high + low
    term = _log_choose(table, of_high, high) + _log_choose(table, of_low, low)
    term -= _log_choose(table, of_high + of_low, total)
    ratio = (of_high - high) * low / ((high + 1.0) * (of_low - low + 1.0))
    tail = np.where(ratio < 1.0, term - np.log1p(-np.minimum(ratio, 1.0 - 1e-12)), 0.0)
    return np.minimum(tail + np.log(2.0), 0.0)  # type: ignore[no-any-return]


def _log_choose(table: Floats, n: npt.NDArray[Any], k: npt.NDArray[Any]) -> Floats:
    return table[n] - table[k] - table[n - k]  # type: ignore[no-any-return]
