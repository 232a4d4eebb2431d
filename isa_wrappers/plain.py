"""Plain data, as in JSON and YAML, with bounds that hand-written files never reach."""

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
"""Maximum number of levels of nesting."""
LARGEST = 2_000_000
"""Maximum total number of values."""


def read_json(text: str | bytes) -> Any:
    """Read JSON of bounded nesting and size.

    Raises:
        ValueError: if it is not JSON, or exceeds the bounds.

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
    """Return plain data with ``None`` instead of NaN and infinity, which JSON does not support.

    Example:
        >>> finite({"a": [1.5, float("nan")], "b": float("inf")})
        {'a': [1.5, None], 'b': None}
    """
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(element) for key, element in value.items()}
    return [finite(element) for element in value] if isinstance(value, list | tuple) else value


def check_nesting(data: Any, largest: int = LARGEST) -> None:
    """Check that plain data do not exceed the bounds on nesting and size.

    Raises:
        ValueError: if they do.
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
                raise ValueError(f"contains more than {largest:,} values")
        if not inner:
            return
        level, total = inner, total + len(inner)
    raise ValueError(f"nested more than {DEEPEST} levels deep")


def plain(name: str, value: Any) -> Any:
    """Convert ``value`` to plain data: NumPy scalars and arrays to Python's, tuples to lists, paths to text.

    Args:
        name: name of the value, for the message.
        value: any value.

    Raises:
        InvalidValueError: if a part cannot be stored in a file; the message names it.

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
