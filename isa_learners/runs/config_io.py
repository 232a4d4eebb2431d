"""Configurations to and from plain data: presets, YAML files and ``key=value`` overrides."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from isa_learners.config import DEFAULT_PRESET, RunConfig
from isa_learners.presets import preset_layers
from isa_wrappers.errors import FileFormatError, InvalidValueError, nearest

Plain = dict[str, Any]


def make_config(env: str, preset: str = DEFAULT_PRESET, *overrides: Mapping[str, Any]) -> RunConfig:
    """Resolve a run: defaults, then the preset's values for every pattern the task matches, then ``overrides``.

    Raises:
        InvalidValueError: for an unknown preset or key (the nearest is offered) or a value out of range.

    Example:
        >>> make_config("grid/shooting", "paper", {"ppo": {"lr": 0.001}}).ppo.lr
        0.001
    """
    data: Plain = {"env": env, "preset": preset}
    for layer in (*preset_layers(env, preset), *overrides):
        data = merge(data, layer)
    return config_from_dict(data)


def merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> Plain:
    """Return ``base`` with ``top``'s values over it, section by section (``env_kwargs`` too)."""
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def config_to_dict(config: RunConfig) -> Plain:
    """Return the configuration as plain data, every value resolved."""
    return asdict(config)


def config_from_dict(data: Mapping[str, Any]) -> RunConfig:
    """Build a configuration from plain data.

    Raises:
        InvalidValueError: for an unknown key (the nearest is offered), a section that is none, or a bad value.
    """
    config = _build(RunConfig, data, "")
    if not isinstance(config, RunConfig):
        raise InvalidValueError("a configuration must be a mapping")
    return config


def _build(kind: Any, data: Any, prefix: str) -> Any:
    if not isinstance(data, Mapping):
        raise InvalidValueError(f"configuration section {prefix.rstrip('.')!r} must be a mapping, got {data!r}")
    hints = get_type_hints(kind)
    known = [field.name for field in fields(kind)]
    values = {}
    for key, value in data.items():
        if key not in known:
            paths = [prefix + name for name in known] + _all_keys()
            raise InvalidValueError(f"unknown configuration key {prefix}{key}{nearest(prefix + str(key), paths)}")
        hint = hints[key]
        values[key] = (
            _build(hint, value, f"{prefix}{key}.") if is_dataclass(hint) else _checked(hint, prefix + key, value)
        )
    if "env" in known and "env" not in values:
        raise InvalidValueError("configuration key env is missing; name the task, such as grid/shooting")
    return kind(**values)


def _checked(hint: Any, key: str, value: Any) -> Any:
    """Check a leaf's type; YAML's whole numbers do for floats."""
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if value is None and hint == (str | None):
        return None
    plain = str if hint == (str | None) else hint
    expected = dict if plain not in (int, float, bool, str) else plain
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise InvalidValueError(f"configuration key {key} must be of type {expected.__name__}, got {value!r}")
    return value


def _all_keys(kind: Any = RunConfig, prefix: str = "") -> list[str]:
    """List every key, dotted."""
    keys = []
    for name, hint in get_type_hints(kind).items():
        keys += _all_keys(hint, f"{prefix}{name}.") if is_dataclass(hint) else [prefix + name]
    return keys


def parse_overrides(pairs: Sequence[str]) -> Plain:
    """Turn ``["ppo.lr=1e-3", ...]`` into nested plain data; values are read as YAML.

    Raises:
        InvalidValueError: for a pair without ``=`` or an unreadable value.

    Example:
        >>> parse_overrides(["ppo.lr=1e-3", "scope.window=2"])
        {'ppo': {'lr': 0.001}, 'scope': {'window': 2}}
    """
    data: Plain = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise InvalidValueError(f"--set takes key=value such as ppo.lr=0.001, got {pair!r}")
        layer: Plain = {}
        parts = key.strip().split(".")
        here = layer
        for part in parts[:-1]:
            here = here.setdefault(part, {})
        here[parts[-1]] = _scalar(text, pair)
        data = merge(data, layer)
    return data


def _scalar(text: str, pair: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidValueError(f"--set cannot read the value of {pair!r}") from error
    if isinstance(value, str):
        try:
            return float(value)  # YAML 1.1 takes 1e-3 for a string
        except ValueError:
            return value
    return value


def read_config_file(path: Path) -> Plain:
    """Read a YAML configuration.

    Raises:
        FileFormatError: if it is missing or no YAML mapping.
    """
    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise FileFormatError(f"cannot read configuration {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path} is not YAML") from error
    if not isinstance(data, dict):
        raise FileFormatError(f"{path} must hold a mapping of configuration keys")
    return data


def write_config_file(config: RunConfig, path: Path) -> None:
    """Write the configuration, resolved, as YAML."""
    partial = path.with_suffix(".partial")
    partial.write_text(yaml.safe_dump(config_to_dict(config), sort_keys=False))
    os.replace(partial, path)  # an earlier file stays whole until the new one is
