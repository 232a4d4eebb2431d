"""Plain data by sections and by dotted keys: laid over each other, nested, flattened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isa_wrappers.errors import InvalidValueError, shown

DEEPEST_KEY = 20
"""Sections in a dotted key: options of a task may nest."""


def merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``top``'s values over it, section by section (``env_kwargs`` too).

    Example:
        >>> merge({"ppo": {"lr": 0.1, "clip": 0.2}}, {"ppo": {"lr": 0.3}})
        {'ppo': {'lr': 0.3, 'clip': 0.2}}
    """
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings whose keys may be dotted by sections; later ones hold.

    Raises:
        InvalidValueError: if one has too many sections, or a key has both a value and keys of its own.

    Example:
        >>> nested({"ppo.lr": 0.1, "ppo": {"clip": 0.2}, "seed": 3})
        {'ppo': {'lr': 0.1, 'clip': 0.2}, 'seed': 3}
    """
    data: dict[str, Any] = {}
    for key, value in settings.items():
        path = str(key).strip().split(".")
        if len(path) > DEEPEST_KEY + 1:
            raise InvalidValueError(f"configuration keys are such as phases.reach.ppo.lr, got {shown(key)}")
        here: Any = data
        for section in path[:-1]:
            here = here.get(section, {})
            if not isinstance(here, Mapping):
                raise InvalidValueError(f"{section!r} is given both a value and keys of its own, by {shown(key)}")
        whole = value
        for section in reversed(path[1:]):
            whole = {section: whole}
        both = isinstance(whole, Mapping) and isinstance(data.get(path[0]), Mapping)
        data[path[0]] = merge(data[path[0]], whole) if both else whole  # a copy: what was given stays as it is
    return data


def flattened(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested data by dotted keys.

    Example:
        >>> flattened({"algo": "isa", "ppo": {"lr": 0.1}})
        {'algo': 'isa', 'ppo.lr': 0.1}
    """
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= flattened(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
