"""What of a change is rounding: of the state's numbers, and of the arithmetic that compares changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, namespace

SHARE = {"float32": 4 * 2.0**-23, "float64": 2.0**-40}
"""A change of less than this share of the numbers around it is rounding: some of float32, thousands of float64, for
what an environment adds up itself."""
WHOLE = {"float32": 2.0**23, "float64": 2.0**52}
"""Below, a float also holds halves: a dimension of whole numbers alone is rounded nowhere."""
COMPUTED = 2.0**-40
"""Share of a dimension's largest number that a fit's own arithmetic makes of difference."""
SAMPLE, BLOCK = 1_024, 1_024
"""Transitions that tell how large a dimension usually is, and those that are looked at at once."""
MOST = 2.0**120
"""Grains of the largest change: float32 holds so many."""
NEAR = 0.01
"""Whole numbers of which less than this is rounding are as well compared in such grains."""
Floats = npt.NDArray[np.float64]


def changes_of(states: npt.NDArray[np.floating[Any]], after: npt.NDArray[np.floating[Any]]) -> tuple[Floats, Floats]:
    """Return changes ``[N, K]``, exactly 0 where nothing but rounding changed, and the grains to compare them in.

    What is rounding is judged by a transition's own two numbers, or by how large the dimension usually is, if that is
    more (what is near 0 may be a difference of larger numbers). One huge number now and then, such as one that stands
    for "none", leaves all other changes what they are.

    Args:
        states: ``[N, K]`` float32 or float64, before.
        after: ``[N, K]`` of the same.

    Returns:
        Changes, and grains ``[2, K]``: of the changes, and of what a fit leaves of them.

    Example:
        >>> before, after = np.array([[0.1], [0.3], [1e9]]), np.array([[0.2], [0.1 + 0.2], [0.1]])
        >>> changes_of(before, after)[0].round(1).tolist()
        [[0.1], [0.0], [-999999999.9]]
    """
    share = SHARE[states.dtype.name]
    blocks = [slice(start, start + BLOCK) for start in range(0, len(states), BLOCK)]
    tops = [_sizes(states, after, rows).max(axis=0) for rows in blocks]
    largest = np.max(tops, axis=0, initial=0.0) if tops else np.zeros(states.shape[1])
    largest = largest.astype(np.float64)
    exact = _are_whole(states, after, (largest * share >= NEAR) & (largest < WHOLE[states.dtype.name]))
    usual, shares = _usual(states, after), np.where(exact, 0.0, share).astype(states.dtype)
    changes: Floats = after.astype(np.float64) - states
    for rows in blocks:
        around = np.maximum(_sizes(states, after, rows), usual)
        around *= shares
        part = changes[rows]
        np.copyto(part, 0.0, where=np.abs(part) <= around)
    smallest = np.where(largest > 0.0, np.finfo(np.float64).smallest_subnormal, 0.0)
    fine = np.where(exact, largest * COMPUTED, np.where(usual > 0.0, usual, largest) * share)
    fine = np.maximum(fine, smallest)
    for k in np.flatnonzero(largest / MOST > fine):
        np.clip(changes[:, k], -MOST * fine[k], MOST * fine[k], out=changes[:, k])
    return changes, np.stack([fine, np.maximum(fine, largest * COMPUTED)])


def in_grains(changes: Array, grain: Array) -> Array:
    """Return changes ``[N, D]`` in whole grains, float32: rounding errors must not part what is equal."""
    xp = namespace(changes)
    return xp.astype(xp.round(changes / grain), xp.float32)


def _sizes(states: npt.NDArray[Any], after: npt.NDArray[Any], rows: Any) -> npt.NDArray[Any]:
    return np.asarray(np.maximum(np.abs(states[rows]), np.abs(after[rows])))


def _usual(states: npt.NDArray[Any], after: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return ``[K]`` the lower quartile of how large a dimension is where it is not 0; 0 where it always is."""
    count = len(states)
    if not count:
        return np.zeros(states.shape[1], dtype=states.dtype)
    some = slice(None) if count <= SAMPLE else np.random.default_rng(0).integers(count, size=SAMPLE)
    sizes = np.sort(_sizes(states, after, some), axis=0)
    zeros = (sizes == 0.0).sum(axis=0)
    place = np.minimum(zeros + (len(sizes) - zeros) // 4, len(sizes) - 1)
    return np.asarray(np.take_along_axis(sizes, place[None], axis=0)[0])


def _are_whole(
    states: npt.NDArray[Any], after: npt.NDArray[Any], asked: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Tell ``[K]`` which of the dimensions asked about hold whole numbers alone."""
    columns = ((states[:, k], after[:, k]) for k in np.flatnonzero(asked))
    whole = np.zeros(len(asked), dtype=bool)
    whole[asked] = [all(bool((part == np.rint(part)).all()) for part in both) for both in columns]
    return whole
