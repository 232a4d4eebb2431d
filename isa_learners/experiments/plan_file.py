"""A plan's YAML file, and the line on which a key stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from isa_learners.runs.yaml_io import config_in, read_config_text
from isa_wrappers.errors import InvalidValueError, ISAError


class PlanError(InvalidValueError):
    """What a plan cannot hold.

    Attributes:
        place: the keys that lead to it.
    """

    def __init__(self, message: str, place: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.place = tuple(place)


@contextmanager
def at(*place: Any) -> Iterator[None]:
    """Say where in a plan an error of the library arose."""
    try:
        yield
    except PlanError:
        raise
    except ISAError as error:
        raise PlanError(str(error), place) from error


class PlanFile:
    """A plan as it lies in a file.

    Args:
        path: of the file.
        over: keys of a plan that hold over the file's.

    Raises:
        FileFormatError: if there is none, or no YAML mapping in it.
    """

    def __init__(self, path: Path, over: Mapping[str, Any] | None = None) -> None:
        self._path, self._over = path, over or {}
        self._text = read_config_text(path)
        self.data = config_in(self._text, path, keys="tasks, variants, seeds and the like")

    def told(self, error: PlanError) -> InvalidValueError:
        """Return an error with the line of the file that it is about, if what it is about stands there."""
        if self._says_over(error.place):
            return error
        return InvalidValueError(f"{self._path}, line {self.line_of(error.place)}: {error}")

    def line_of(self, place: Sequence[Any]) -> int:
        """Return the line of the deepest key of ``place`` that the file holds; a key of the file may be dotted."""
        node = yaml.compose(self._text, yaml.SafeLoader)
        return _deepest(node, [str(name) for name in place], (0, 1))[1]

    def _says_over(self, place: Sequence[Any]) -> bool:
        if place[:1] == ("tasks",) and place[2:3] == ("kwargs",):  # options said over a plan hold over its tasks' too
            place = place[2:] if place[3:] and place[3] in self._over.get("kwargs", {}) else place
        here: Any = self._over
        for key in place:
            if isinstance(here, Mapping) and key not in here:
                return False
            here = here[key] if isinstance(here, Mapping) else here
        return bool(place)


def _deepest(node: yaml.Node | None, names: Sequence[str], found: tuple[int, int]) -> tuple[int, int]:
    """Return how many keys lead to the deepest that a file holds, and its line; ``found`` if there is none below."""
    best, depth = found, found[0]
    for key, value in _entries(node):
        for count in range(1, len(names) + 1):
            if key.value == ".".join(names[:count]):
                below = _deepest(value, names[count:], (depth + count, key.start_mark.line + 1))
                best = max(best, below, key=lambda one: one[0])
    return best


def _entries(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Walk over keys and values; those of a list are its texts, and the keys of its mappings."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _entries(item) if isinstance(item, yaml.MappingNode) else [(item, item)]
