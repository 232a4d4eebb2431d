"""A plan's YAML file, and the line on which a key stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from isa_learners.runs.yaml_io import read_config_file
from isa_wrappers.errors import InvalidValueError


class PlanError(InvalidValueError):
    """What a plan cannot hold.

    Attributes:
        place: the keys that lead to it.
    """

    def __init__(self, message: str, place: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.place = tuple(place)


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
        """Return the line of the deepest key of ``place`` that the file holds."""
        node, line = yaml.compose(self._text, yaml.SafeLoader), 1
        for name in place:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == str(name)]
            elif isinstance(node, yaml.SequenceNode):
                found = [(item, item) for item in node.value if item.value == str(name)]
            else:
                break
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        return line
