"""A plan's YAML file, and the line on which a key stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from isa_learners.runs.yaml_io import read_config_file
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

    Raises:
        FileFormatError: if there is none, or no YAML mapping in it.
    """

    def __init__(self, path: Path) -> None:
        self.data = read_config_file(path)
        self._text = path.read_text()

    def line_of(self, place: Sequence[Any]) -> int:
        """Return the line of the deepest key of ``place`` that the file holds; a key of the file may be dotted."""
        node, line, names = yaml.compose(self._text, yaml.SafeLoader), 1, [str(name) for name in place]
        while names:
            if isinstance(node, yaml.MappingNode):
                entries = [(key, value) for key, value in node.value]
            elif isinstance(node, yaml.SequenceNode):
                entries = [(item, item) for item in node.value]
            else:
                break
            taken = {".".join(names[:count]): count for count in range(1, len(names) + 1)}
            found = next(((key, value) for key, value in entries if key.value in taken), None)
            if found is None:
                break
            line, node, names = found[0].start_mark.line + 1, found[1], names[taken[found[0].value] :]
        return line
