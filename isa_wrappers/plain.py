"""Plain data: what JSON and YAML hold, within bounds that nobody reaches by writing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import Any

import numpy as np

from isa_wrappers.errors import InvalidValueError, shown

DEEPEST = 50
"""Levels of nesting."""
LARGEST = 2_000_000
"""Values in all."""


def read_json(text: str | bytes) -> Any:
    """Read JSON of bounded nesting and size.

    Raises:
        ValueError: if it is none, or goes beyond the bounds.

    Example:
        >>> read_json('{"a": [1, 2]}')
        {'a': [1, 2]}
    """
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError(f"nested more than {DEEPEST} levels deep") from error
    check_nesting(data)
    return data


def finite(value: Any) -> Any:
    """Return plain data with ``None`` in the place of NaN and infinity, which JSON has no word for.

    Example:
        >>> finite({"a": [1.5, float("nan")], "b": float("inf")})
        {'a': [1.5, None], 'b': None}
    """
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    return [finite(one) for one in value] if isinstance(value, list | tuple) else value


def check_nesting(data: Any, largest: int = LARGEST) -> None:
    """Check that plain data are no deeper and larger than anybody writes.

    Raises:
        ValueError: if they are.
    """
    level, total = [data], 0
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += [*value, *value.values()]
            elif isinstance(value, list | tuple | set):
                inner += value
            if len(inner) + total > largest:
                raise ValueError(f"holds more than {largest:,} values")
        if not inner:
            return
        level, total = inner, total + len(inner)
    raise ValueError(f"nested more than {DEEPEST} levels deep")


def plain(name: str, value: Any) -> Any:
    """Return ``value`` as files hold it: NumPy's scalars and arrays as Python's, tuples as lists, paths as text.

    Args:
        name: what it is, for the message.
        value: whatever somebody passed.

    Raises:
        InvalidValueError: for anything that no file holds, naming it.

    Example:
        >>> plain("settings", {"seed": np.int64(3), "sizes": (1, np.float32(0.5))})
        {'seed': 3, 'sizes': [1, 0.5]}
    """
    return _plain(name, value, DEEPEST)


def _plain(name: str, value: Any, levels: int) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | PurePath):
        return str(value)
    if levels and isinstance(value, np.ndarray):
        return _plain(name, value.tolist(), levels - 1)
    if levels and isinstance(value, list | tuple):
        return [_plain(f"{name}[{i}]", part, levels - 1) for i, part in enumerate(value)]
    if levels and isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InvalidValueError(f"keys of {name} must be text, got {shown(key)}")
        return {str(key): _plain(f"{name}.{key}", part, levels - 1) for key, part in value.items()}
    raise InvalidValueError(f"{name} must be plain data (numbers, text, lists, mappings), got {shown(value)}")
