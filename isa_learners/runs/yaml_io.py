"""Reading configuration text, from files and ``--set`` alike: YAML in which ``1e-3`` is a number."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from isa_wrappers.errors import FileFormatError, InvalidValueError

Plain = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML 1.1, which PyYAML reads, takes 1e-3 for a string; YAML 1.2 for a number."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - a copy of the parent's, to add to
        first: list(resolvers) for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(  # type: ignore[no-untyped-call]
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


def read_yaml(text: str) -> Any:
    """Read YAML of plain values.

    Raises:
        ValueError: if it is none, or nested beyond measure.

    Example:
        >>> read_yaml("{lr: 1e-3, window: 2}")
        {'lr': 0.001, 'window': 2}
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"not YAML: {str(error).splitlines()[0] if str(error) else error}") from error


def read_config_file(path: Path) -> Plain:
    """Read a YAML configuration.

    Raises:
        FileFormatError: if it is missing or no YAML mapping.
    """
    try:
        data = read_yaml(path.read_text())
    except OSError as error:
        raise FileFormatError(f"cannot read configuration {path}: {error.strerror}") from error
    except ValueError as error:
        raise FileFormatError(f"{path} is not YAML") from error
    if not isinstance(data, dict):
        raise FileFormatError(f"{path} must hold a mapping of configuration keys")
    return data


def write_yaml(data: Plain, path: Path) -> None:
    """Write plain data as YAML; an earlier file stays whole until the new one is."""
    partial = path.with_suffix(".partial")
    partial.write_text(yaml.safe_dump(data, sort_keys=False))
    os.replace(partial, path)


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
        try:
            value = read_yaml(text)
        except ValueError as error:
            raise InvalidValueError(f"--set cannot read the value of {pair!r}") from error
        *sections, last = key.strip().split(".")
        here = data
        for section in sections:
            inner = here.setdefault(section, {})
            if not isinstance(inner, dict):
                raise InvalidValueError(f"--set gives {section!r} both a value and keys of its own, got {pair!r}")
            here = inner
        here[last] = value
    return data
