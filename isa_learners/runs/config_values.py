"""Checks of configuration values and their conversion to the types of the fields."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, get_args, get_origin

import msgspec

from isa_learners.algorithms import ALGORITHMS
from isa_learners.config import DEFAULT_ALGORITHM, RunConfig
from isa_learners.runs.config_keys import nearest_key, section_kinds
from isa_wrappers.errors import InvalidValueError, shown
from isa_wrappers.fields import hints
from isa_wrappers.plain import plain
from isa_wrappers.rewards import REWARDS


def mapping_of(key: str, value: Any) -> Mapping[str, Any]:
    """Return a section as given.

    Raises:
        InvalidValueError: if it is not a mapping.
    """
    if not isinstance(value, Mapping):
        raise InvalidValueError(f"configuration section {key!r} must be a mapping, got {shown(value)}")
    return value


def section_of(kind: type, values: Mapping[str, Any], name: str) -> Any:
    """Build a section from its values.

    Raises:
        InvalidValueError: for an unknown key (the nearest is suggested), or a value of the wrong type or out of range.
    """
    known = hints(kind)
    for key in values:
        if key not in known:
            raise InvalidValueError(
                f"unknown configuration key {_short(f'{name}.{key}')}{nearest_key(f'{name}.{key}', {name: kind})}"
            )
    settings = {key: value_of(known[key], f"{name}.{key}", value) for key, value in values.items()}
    try:
        return kind(**settings)
    except InvalidValueError as error:
        if str(error).partition(" ")[0] not in known:
            raise
        raise InvalidValueError(f"{name}.{error}") from error
    except ValueError as error:
        raise InvalidValueError(f"configuration section {name}: {error}") from error


def core_value(key: str, value: Any) -> Any:
    """Convert the value of a key that every run has; a number for ``success`` becomes text for ``success_rule``.

    Raises:
        InvalidValueError: if the value cannot be converted.

    Example:
        >>> core_value("success", 1.5), core_value("success", "won")
        ('1.5', 'won')
    """
    if key == "success" and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value_of(hints(RunConfig)[key], key, value)


def value_of(hint: Any, key: str, value: Any) -> Any:
    """Convert a value to the type of its field, including integers to floats, lists to tuples and names to enums.

    Raises:
        InvalidValueError: if the value cannot be converted.
    """
    try:
        return msgspec.convert(plain(key, value), hint)
    except (msgspec.ValidationError, OverflowError) as error:
        expected = f"of type {_type_name(hint)}"
        if isinstance(hint, type) and issubclass(hint, Enum):
            expected = f"one of {', '.join(str(member.value) for member in hint)}"
        raise InvalidValueError(
            f"configuration key {key} must be {expected}, got {shown(value)}{_yaml_of(hint, value)}"
        ) from error


def _yaml_of(hint: Any, value: Any) -> str:
    """Return a hint how to write a Python value in YAML.

    Example:
        >>> _yaml_of(float | None, "None"), _yaml_of(tuple[int, ...], "(64, 64)")
        ('; write null', '; write [64, 64]')
    """
    if value == "None" and type(None) in get_args(hint):
        return "; write null"
    if isinstance(value, str) and value[:1] + value[-1:] == "()" and get_origin(hint) in (list, tuple):
        return f"; write {shown(value)[2:-2].join('[]')}"
    return ""


def _type_name(hint: Any) -> str:
    plain = {int: "int", float: "float", bool: "bool", str: "str"}
    if hint in plain:
        return plain[hint]
    return str(hint).replace("typing.", "").replace("NoneType", "None").replace("tuple[int, ...]", "list[int]")


def unknown_key(key: str, kinds: Mapping[str, type], data: Mapping[str, Any]) -> str:
    """Return a message about an unknown key: a section of another algorithm, or a misspelt name."""
    others = [name for name in ALGORITHMS if name != data.get("algo") and key in _sections_of(name)]
    if others:
        algo = data.get("algo", DEFAULT_ALGORITHM)
        return f"algorithm {algo!r} has no section {key!r}; its sections are {', '.join(kinds)}"
    if key in REWARDS:
        given = data.get("intrinsic")
        reward_text = f"intrinsic reward is {shown(given)}" if given else "run has no intrinsic reward"
        return f"section {key!r} belongs to intrinsic reward {key!r}, but this {reward_text}; set intrinsic={key}"
    return f"unknown configuration key {_short(key)}{nearest_key(key, kinds)}"


def _short(key: Any) -> str:
    """Return a key on one line of limited length."""
    return shown(str(key))[1:-1]


def _sections_of(algo: str) -> dict[str, type]:
    return section_kinds(algo, ALGORITHMS[algo].learner, None)
