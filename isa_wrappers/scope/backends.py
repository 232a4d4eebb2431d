"""Array functions for scope estimation that the array API standard lacks, for NumPy and torch."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

from isa_wrappers.arrays import Array, array_device, namespace

T = TypeVar("T")
BLOCK = 16_384
"""Number of values binned at once."""


def to_device_of(like: Array, value: T) -> T:
    """Move an array, or a dataclass with all its arrays, to the device of ``like``; for NumPy, return it unchanged.

    Example:
        >>> to_device_of(np.zeros(1), np.arange(3)).tolist()
        [0, 1, 2]
    """
    if isinstance(like, np.ndarray):
        return value
    if isinstance(value, np.ndarray):
        return namespace(like).asarray(value, device=array_device(like))  # type: ignore[no-any-return]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: to_device_of(like, getattr(value, field.name)) for field in fields(value)}
        return replace(value, **parts)
    return value


def as_array(value: Any, kind: str) -> Array:
    """Return a tensor as a tensor and anything else as a NumPy array, with the dtype named ``kind``."""
    if hasattr(value, "detach"):
        xp = namespace(value)
        return xp.astype(value, getattr(xp, kind), copy=False)
    return np.asarray(value, dtype=kind)


def choose(which: Array, if_true: float, if_false: float) -> Array:
    """Return float64 values: ``if_true`` where ``which`` is true, ``if_false`` elsewhere.

    Example:
        >>> choose(np.array([True, False]), -9.0, -1.0).tolist()
        [-9.0, -1.0]
    """
    xp = namespace(which)
    values = xp.full(which.shape, if_false, dtype=xp.float64, device=array_device(which))
    values[which] = if_true
    return values


def contiguous(array: Array) -> Array:
    """Return an array whose last axis is contiguous in memory."""
    return np.ascontiguousarray(array) if isinstance(array, np.ndarray) else array.contiguous()


def count_keys(keys: Array, weights: Array | None, size: int) -> Array:
    """Return how often each of ``size`` keys occurs, or the sum of its weights."""
    if isinstance(keys, np.ndarray):
        return np.bincount(keys, weights, size)
    return keys.bincount(weights=weights, minlength=size)


def list_sums(values: Array, sizes: Array, kind: str) -> Array:
    """Sum ``[N, d]`` within consecutive, non-empty lists: ``[L, d]``.

    Example:
        >>> list_sums(np.array([[1], [2], [5]]), np.array([2, 1]), "int64").tolist()
        [[3], [5]]
    """
    if isinstance(values, np.ndarray):
        return np.add.reduceat(values, np.cumsum(sizes) - sizes, axis=0, dtype=kind)
    xp = namespace(values)
    of_list = xp.repeat(xp.arange(len(sizes), device=values.device), sizes)
    sums = xp.zeros((len(sizes), values.shape[1]), dtype=getattr(xp, kind), device=values.device)
    return sums.index_add_(0, of_list, values.to(sums.dtype))


def bins_of(columns: Array, ends: Array) -> Array:
    """Return ``[d, N]`` uint8: how many of the sorted ``ends`` ``[d, m]`` lie below each value ``[d, N]``.

    Example:
        >>> bins_of(np.array([[0.0, 1.0, 2.0]]), np.array([[0.5, 1.0]])).tolist()
        [[0, 1, 2]]
    """
    if not isinstance(columns, np.ndarray):
        xp = namespace(columns)
        return xp.astype(xp.searchsorted(ends, columns), xp.uint8)
    codes = np.empty(columns.shape, dtype=np.uint8)
    for k, inner in enumerate(ends[..., None]):
        for start in range(0, columns.shape[1], BLOCK):  # vectorised comparison with each end is faster than bisection
            rows = slice(start, start + BLOCK)
            above = (columns[k, rows] > inner).view(np.uint8)  # sums bytes without conversion
            np.add.reduce(above, axis=0, dtype=np.uint8, out=codes[k, rows])
    return codes
