"""Reading of configurations from files and ``--set``, as YAML in which ``1e-3`` is a number."""

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
"""In total, including repetitions through YAML aliases."""
MOST_KEYS = 10_000
"""Maximum number of keys of a mapping."""
LONGEST_REASON = 200
MERGE = "tag:yaml.org,2002:merge"
"""The tag of ``<<``, which may occur several times."""


class NotYAMLError(ValueError):
    """The text is not YAML with plain values.

    Args:
        reason: reason.
        line: line number from 1; ``None`` if unknown.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        self.reason, self.line = reason, line
        super().__init__(f"not YAML: {self.details}")

    @classmethod
    def of(cls, error: Exception) -> NotYAMLError:
        """Create this error from an error of PyYAML."""
        if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark is not None:
            return cls(one_line(error.problem)[:LONGEST_REASON], error.problem_mark.line + 1)
        lines = str(error).splitlines() or [type(error).__name__]
        return cls(lines[0][:LONGEST_REASON])

    @property
    def details(self) -> str:
        """Line and reason, for a message."""
        return self.reason if self.line is None else f"line {self.line}: {self.reason}"


class _Loader(yaml.SafeLoader):
    """Reads 1e-3 as a number as in YAML 1.2; in YAML 1.1, which PyYAML implements, it is a string."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - a copy of the parent's, to add to
        first: list(resolvers) for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Refuse duplicate keys, of which PyYAML takes the last; keys from ``<<`` are merged later."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                key_id = key.tag, key.value
                if key_id in lines:
                    problem = f"key {shown(key.value)} occurs twice, first in line {lines[key_id]}"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                lines[key_id] = key.start_mark.line + 1
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge the mappings of ``<<``, unless this creates too many keys."""
        super().flatten_mapping(node)
        if len(node.value) > MOST_KEYS:
            raise yaml.YAMLError(f"a mapping holds more than {MOST_KEYS:,} keys")


_Loader.add_implicit_resolver(  # type: ignore[no-untyped-call]
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


LONGEST = 200_000
"""Maximum number of bytes of a configuration file, far more than all keys need."""


def read_yaml(text: str) -> Any:
    """Read YAML with plain values.

    Raises:
        NotYAMLError: if it is not YAML, has a duplicate key, or is nested too deeply.

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
        path: path of the file.
        regular: refuse pipes and devices, for files in a folder of unknown origin.

    Raises:
        FileFormatError: if it is missing or not a YAML mapping.
    """
    return config_in(read_config_text(path, regular), path)


def read_config_text(path: Path, regular: bool = False) -> str:
    """Read the text of a configuration file once, as a pipe can be read only once.

    Raises:
        FileFormatError: if it is missing, longer than :data:`LONGEST` or not text.
    """
    try:
        if regular:
            content = read_bytes(path)
        else:
            with open(path, "rb") as file:
                content = file.read(LONGEST + 1)
        if len(content) > LONGEST:
            raise ValueError(f"longer than {LONGEST:,} bytes")
        return content.decode()
    except OSError as error:
        raise FileFormatError(f"cannot read configuration {path}: {error.strerror}") from error
    except FileFormatError:
        raise
    except ValueError as error:
        raise _no_configuration(path, shown(str(error))[1:-1]) from error


def config_in(text: str, path: Path, keys: str = "configuration keys") -> Plain:
    """Return the mapping in the text of a configuration.

    Args:
        text: YAML text.
        path: path of the file, for the message.
        keys: expected content, for the message.

    Raises:
        FileFormatError: if it is not a YAML mapping.
    """
    try:
        data = read_yaml(text)
    except NotYAMLError as error:
        raise _no_configuration(path, error.details) from error
    if not isinstance(data, dict):
        raise FileFormatError(f"{path} must hold a mapping of {keys}")
    return data


def _no_configuration(path: Path, reason: str) -> FileFormatError:
    return FileFormatError(f"{path} is not a valid YAML configuration ({reason})")


class _Dumper(yaml.SafeDumper):
    """Writes every value in full, without aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_yaml(data: Plain, path: Path) -> None:
    """Write plain data as YAML, replacing an earlier file atomically."""
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
