"""Rounding errors of changes: from the numbers of the state, and from the computation that compares changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, namespace

SHARE = {"float32": 4 * 2.0**-23, "float64": 2.0**-40}
"""A change smaller than this fraction of the numbers involved counts as rounding: a few units in the last place of
float32, thousands of float64, to cover sums inside an environment."""
WHOLE = {"float32": 2.0**23, "float64": 2.0**52}
"""Below this limit a float can represent halves, so a dimension of integers has no rounding errors."""
COMPUTED = 2.0**-40
"""Rounding error of a fit, relative to the largest number of a dimension."""
SAMPLE, BLOCK = 1_024, 1_024
"""Number of transitions for estimating the usual size of a dimension, and number processed at once."""
MOST = 2.0**120
"""Largest change in grains that float32 can represent."""
NEAR = 0.01
"""Integers whose rounding tolerance is below this limit can be compared in such grains as well."""
Floats = npt.NDArray[np.float64]


def changes_of(states: npt.NDArray[np.floating[Any]], after: npt.NDArray[np.floating[Any]]) -> tuple[Floats, Floats]:
    """Return changes ``[N, K]``, exactly 0 if only rounding errors changed, and the grains for comparing them.

    The rounding tolerance depends on the two numbers of a transition, or on the usual size of the dimension if that is
    larger (a value near 0 may be a difference of larger numbers). An occasional huge number, such as a code for "none",
    does not affect the other changes.

    Args:
        states: states before, ``[N, K]`` float32 or float64.
        after: states after, ``[N, K]`` of the same dtype.

    Returns:
        Changes, and grains ``[2, K]`` for the changes and for the residuals of a fit.

    Example:
        >>> before, after = np.array([[0.1], [0.3], [1e9]]), np.array([[0.2], [0.1 + 0.2], [0.1]])
        >>> changes_of(before, after)[0].round(1).tolist()
        [[0.1], [0.0], [-999999999.9]]
    """
    share = SHARE[states.dtype.name]
    blocks = [slice(start, start + BLOCK) for start in range(0, len(states), BLOCK)]
    block_maxima = [_sizes(states, after, rows).max(axis=0) for rows in blocks]
    largest = np.max(block_maxima, axis=0, initial=0.0) if block_maxima else np.zeros(states.shape[1])
    largest = largest.astype(np.float64)
    exact = _are_whole(states, after, (largest * share >= NEAR) & (largest < WHOLE[states.dtype.name]))
    usual, shares = _usual(states, after), np.where(exact, 0.0, share).astype(states.dtype)
    changes: Floats = after.astype(np.float64) - states
    for rows in blocks:
        tolerance = np.maximum(_sizes(states, after, rows), usual)
        tolerance *= shares
        block_changes = changes[rows]
        np.copyto(block_changes, 0.0, where=np.abs(block_changes) <= tolerance)
    smallest = np.where(largest > 0.0, np.finfo(np.float64).smallest_subnormal, 0.0)
    fine = np.where(exact, largest * COMPUTED, np.where(usual > 0.0, usual, largest) * share)
    fine = np.maximum(fine, smallest)
    for k in np.flatnonzero(largest / MOST > fine):
        np.clip(changes[:, k], -MOST * fine[k], MOST * fine[k], out=changes[:, k])
    return changes, np.stack([fine, np.maximum(fine, largest * COMPUTED)])


def in_grains(changes: Array, grain: Array) -> Array:
    """Return changes ``[N, D]`` in whole grains, float32, so that rounding errors do not separate equal values."""
    xp = namespace(changes)
    return xp.astype(xp.round(changes / grain), xp.float32)


def _sizes(states: npt.NDArray[Any], after: npt.NDArray[Any], rows: Any) -> npt.NDArray[Any]:
    return np.asarray(np.maximum(np.abs(states[rows]), np.abs(after[rows])))


def _usual(states: npt.NDArray[Any], after: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the lower quartile of the non-zero magnitudes of each dimension, ``[K]``; 0 if it is always 0."""
    count = len(states)
    if not count:
        return np.zeros(states.shape[1], dtype=states.dtype)
    sample = slice(None) if count <= SAMPLE else np.random.default_rng(0).integers(count, size=SAMPLE)
    sizes = np.sort(_sizes(states, after, sample), axis=0)
    zeros = (sizes == 0.0).sum(axis=0)
    position = np.minimum(zeros + (len(sizes) - zeros) // 4, len(sizes) - 1)
    return np.asarray(np.take_along_axis(sizes, position[None], axis=0)[0])


def _are_whole(
    states: npt.NDArray[Any], after: npt.NDArray[Any], candidates: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return which of the dimensions in ``candidates`` contain only integers, ``[K]``."""
    columns = ((states[:, k], after[:, k]) for k in np.flatnonzero(candidates))
    whole = np.zeros(len(candidates), dtype=bool)
    whole[candidates] = [all(bool((part == np.rint(part)).all()) for part in pair) for pair in columns]
    return whole
