"""Settings as nested sections and as dotted keys: merging, nesting and flattening."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isa_wrappers.errors import InvalidValueError, shown

DEEPEST_KEY = 20
"""Maximum number of sections in a dotted key; options of a task may be nested."""


def merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` overridden by the values of ``top``, section by section, including ``env_kwargs``.

    Example:
        >>> merge({"ppo": {"lr": 0.1, "clip": 0.2}}, {"ppo": {"lr": 0.3}})
        {'ppo': {'lr': 0.3, 'clip': 0.2}}
    """
    merged = dict(base)
    for key, value in top.items():
        both_mappings = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both_mappings else value
    return merged


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with nested sections, from keys that may be dotted.

    Raises:
        InvalidValueError: if a key has too many sections, or is given twice, for example dotted and nested.

    Example:
        >>> nested({"ppo.lr": 0.1, "ppo": {"clip": 0.2}, "seed": 3})
        {'ppo': {'lr': 0.1, 'clip': 0.2}, 'seed': 3}
    """
    data: dict[str, Any] = {}
    for key, value in settings.items():
        path = str(key).strip().split(".")
        if len(path) > DEEPEST_KEY + 1:
            raise InvalidValueError(f"a configuration key must be a name such as phases.reach.ppo.lr, got {shown(key)}")
        nested_value = value
        for section in reversed(path[1:]):
            nested_value = {section: nested_value}
        data = _joined(data, {path[0]: nested_value}, key)
    return data


def _joined(base: Mapping[str, Any], top: Mapping[str, Any], given: str, prefix: str = "") -> dict[str, Any]:
    """Return a copy of ``base`` with the values of ``top`` added."""
    joined = dict(base)
    for key, value in top.items():
        name, existing = f"{prefix}{key}", joined.get(key)
        if isinstance(existing, Mapping) and isinstance(value, Mapping):
            joined[key] = _joined(existing, value, given, f"{name}.")
        elif key not in joined:
            joined[key] = value
        elif isinstance(existing, Mapping) or isinstance(value, Mapping):
            raise InvalidValueError(f"{shown(name)} is given both a value and keys of its own, by {shown(given)}")
        else:
            raise InvalidValueError(
                f"configuration key {shown(name)[1:-1]} is given twice, {shown(existing)} and {shown(value)}; "
                "leave one out"
            )
    return joined


def flattened(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested data with dotted keys.

    Example:
        >>> flattened({"algo": "isa", "ppo": {"lr": 0.1}})
        {'algo': 'isa', 'ppo.lr': 0.1}
    """
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= flattened(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
