"""The YAML file of a plan, and the lines of its keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from isa_learners.runs.yaml_io import config_in, read_config_text
from isa_wrappers.errors import InvalidValueError, ISAError


class PlanError(InvalidValueError):
    """Invalid contents of a plan.

    Attributes:
        place: keys that lead to the error.
    """

    def __init__(self, message: str, place: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.place = tuple(place)


@contextmanager
def at(*place: Any) -> Iterator[None]:
    """Add the place in a plan to errors of the library."""
    try:
        yield
    except PlanError:
        raise
    except ISAError as error:
        raise PlanError(str(error), place) from error


class PlanFile:
    """A plan in a file.

    Args:
        path: path of the file.
        over: keys that override those of the file.

    Raises:
        FileFormatError: if the file does not exist or is not a YAML mapping.
    """

    def __init__(self, path: Path, over: Mapping[str, Any] | None = None) -> None:
        self._path, self._over = path, over or {}
        self._text = read_config_text(path)
        self.data = config_in(self._text, path, keys="tasks, variants, seeds and so on")

    def with_line(self, error: PlanError) -> InvalidValueError:
        """Return an error with the line of the file that causes it, if the file does."""
        if self._is_overridden(error.place):
            return error
        return InvalidValueError(f"{self._path}, line {self.line_of(error.place)}: {error}")

    def line_of(self, place: Sequence[Any]) -> int:
        """Return the line of the deepest key of ``place`` in the file, where keys may be dotted."""
        node = yaml.compose(self._text, yaml.SafeLoader)
        return _deepest(node, [str(name) for name in place], (0, 1))[1]

    def _is_overridden(self, place: Sequence[Any]) -> bool:
        if place[:1] == ("tasks",) and place[2:3] == ("kwargs",):  # given options override those of the tasks too
            place = place[2:] if place[3:] and place[3] in self._over.get("kwargs", {}) else place
        values: Any = self._over
        for key in place:
            if isinstance(values, Mapping) and key not in values:
                return False
            values = values[key] if isinstance(values, Mapping) else values
        return bool(place)


def _deepest(node: yaml.Node | None, names: Sequence[str], parent: tuple[int, int]) -> tuple[int, int]:
    """Return the depth and the line of the deepest key in the file; ``parent`` if there is none below."""
    best, depth = parent, parent[0]
    for key, value in _entries(node):
        for count in range(1, len(names) + 1):
            if key.value == ".".join(names[:count]):
                below = _deepest(value, names[count:], (depth + count, key.start_mark.line + 1))
                best = max(best, below, key=lambda result: result[0])
    return best


def _entries(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Yield keys and values; for a list, its texts and the keys of its mappings."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _entries(item) if isinstance(item, yaml.MappingNode) else [(item, item)]
