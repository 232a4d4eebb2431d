"""Reading configuration text, from files and ``--set`` alike: YAML in which ``1e-3`` is a number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from isa_learners.runs.nesting import nested
from isa_wrappers.errors import FileFormatError, InvalidValueError, one_line, shown
from isa_wrappers.files import read_bytes, write_text
from isa_wrappers.plain import check_nesting

Plain = dict[str, Any]
MOST_VALUES = 100_000
"""In all, those met again through YAML's aliases included."""
MOST_KEYS = 10_000
"""Of one mapping."""
LONGEST_REASON = 200
MERGE = "tag:yaml.org,2002:merge"
"""The tag of ``<<``, which may come several times."""


class NotYAMLError(ValueError):
    """A text is no YAML of plain values.

    Args:
        reason: why.
        line: where, from 1; ``None`` where that cannot be said.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        self.reason, self.line = reason, line
        super().__init__(f"not YAML: {self.told}")

    @classmethod
    def of(cls, error: Exception) -> NotYAMLError:
        """Make one of whatever PyYAML raised."""
        if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark is not None:
            return cls(one_line(error.problem)[:LONGEST_REASON], error.problem_mark.line + 1)
        said = str(error).splitlines() or [type(error).__name__]
        return cls(said[0][:LONGEST_REASON])

    @property
    def told(self) -> str:
        """Where and why, for a message."""
        return self.reason if self.line is None else f"line {self.line}: {self.reason}"


class _Loader(yaml.SafeLoader):
    """YAML 1.1, which PyYAML reads, takes 1e-3 for a string; YAML 1.2 for a number."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - a copy of the parent's, to add to
        first: list(resolvers) for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Refuse a key that comes twice, of which PyYAML takes the last; what ``<<`` names is merged later."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                said = key.tag, key.value
                if said in lines:
                    problem = f"key {shown(key.value)} comes twice, first in line {lines[said]}"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                lines[said] = key.start_mark.line + 1
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge what ``<<`` names, unless a few lines make millions of keys."""
        super().flatten_mapping(node)
        if len(node.value) > MOST_KEYS:
            raise yaml.YAMLError(f"a mapping holds more than {MOST_KEYS:,} keys")


_Loader.add_implicit_resolver(  # type: ignore[no-untyped-call]
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


LONGEST = 200_000
"""Bytes of a configuration file, far above what all keys take."""


def read_yaml(text: str) -> Any:
    """Read YAML of plain values.

    Raises:
        NotYAMLError: if it is none, a key comes twice in a mapping, or it is nested beyond measure.

    Example:
        >>> read_yaml("{lr: 1e-3, window: 2}")
        {'lr': 0.001, 'window': 2}
    """
    try:
        data = yaml.load(text, _Loader)
        check_nesting(data, MOST_VALUES)
    except (
        yaml.YAMLError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise NotYAMLError.of(error) from error
    return data


def read_config_file(path: Path, regular: bool = False) -> Plain:
    """Read a YAML configuration.

    Args:
        path: of the file.
        regular: refuse a pipe or a device: a folder of somebody else's holds the file.

    Raises:
        FileFormatError: if it is missing or no YAML mapping.
    """
    return config_in(read_config_text(path, regular), path)


def read_config_text(path: Path, regular: bool = False) -> str:
    """Read the text of a configuration file once: a pipe has no second time.

    Raises:
        FileFormatError: if it is missing, longer than :data:`LONGEST` or no text.
    """
    try:
        if regular:
            held = read_bytes(path)
        else:
            with open(path, "rb") as file:
                held = file.read(LONGEST + 1)
        if len(held) > LONGEST:
            raise ValueError(f"longer than {LONGEST:,} bytes")
        return held.decode()
    except OSError as error:
        raise FileFormatError(f"cannot read configuration {path}: {error.strerror}") from error
    except FileFormatError:
        raise
    except ValueError as error:
        raise _no_configuration(path, shown(str(error))[1:-1]) from error


def config_in(text: str, path: Path, keys: str = "configuration keys") -> Plain:
    """Return the mapping that a configuration's text holds.

    Args:
        text: YAML.
        path: of its file, for the message.
        keys: what it is to hold, for the message.

    Raises:
        FileFormatError: if it is no YAML mapping.
    """
    try:
        data = read_yaml(text)
    except NotYAMLError as error:
        raise _no_configuration(path, error.told) from error
    if not isinstance(data, dict):
        raise FileFormatError(f"{path} must hold a mapping of {keys}")
    return data


def _no_configuration(path: Path, why: str) -> FileFormatError:
    return FileFormatError(f"{path} is not YAML that can be a configuration ({why})")


class _Dumper(yaml.SafeDumper):
    """Writes each value out, also where one object stands twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_yaml(data: Plain, path: Path) -> None:
    """Write plain data as YAML; an earlier file stays whole until the new one is."""
    write_text(path, yaml.dump(data, Dumper=_Dumper, sort_keys=False))


def parse_overrides(pairs: Sequence[str]) -> Plain:
    """Turn ``["ppo.lr=1e-3", ...]`` into nested plain data; values are read as YAML.

    Raises:
        InvalidValueError: for a pair without ``=`` or an unreadable value.

    Example:
        >>> parse_overrides(["ppo.lr=1e-3", "scope.window=2"])
        {'ppo': {'lr': 0.001}, 'scope': {'window': 2}}
    """
    settings: Plain = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise InvalidValueError(f"--set takes key=value such as ppo.lr=0.001, got {shown(pair)}")
        try:
            settings[key] = read_yaml(text)
        except NotYAMLError as error:
            raise InvalidValueError(f"--set cannot read the value of {shown(pair)}: {error.reason}") from error
    return nested(settings)
