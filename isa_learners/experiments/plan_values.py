"""The values that a plan gives a run, each with its place in the plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isa_learners.runs.config_keys import CORE
from isa_learners.runs.nesting import merge

UNNAMED = 3
"""Distance of a value that a message does not name."""


@dataclass(frozen=True, eq=False)
class Value:
    """One value that a plan gives a run.

    Attributes:
        place: keys of the plan that lead to it.
        path: keys of the run's configuration that lead to it.
        value: itself.
    """

    place: tuple[Any, ...]
    path: tuple[str, ...]
    value: Any

    @property
    def key(self) -> str:
        """The configuration key, dotted."""
        return ".".join(self.path)

    def distance(self, message: str) -> int:
        """Return how far a message is from naming this value: 0 for its whole key, up to :data:`UNNAMED`.

        Example:
            >>> lr = Value(("set", "ppo", "lr"), ("ppo", "lr"), "much")
            >>> lr.distance("ppo.lr must be a number"), lr.distance("q.lr must be a number")
            (0, 3)
        """
        text = [self.value] if isinstance(self.value, str) else []
        words = [self.key], [str(self.place[-1]), self.path[-1]], [*self.path, *text]
        return next((i for i, some in enumerate(words) if any(_names(message, word) for word in some)), UNNAMED)


def merged(values: Iterable[Value]) -> dict[str, Any]:
    """Return the configuration that values make, later ones over earlier ones, nested by sections."""
    data: dict[str, Any] = {}
    for said in values:
        whole = said.value
        for key in reversed(said.path):
            whole = {key: whole}
        data = merge(data, whole)
    return data


def values_of(data: Mapping[str, Any], place: tuple[Any, ...], path: tuple[str, ...] = ()) -> Iterator[Value]:
    """Walk over every value of nested configuration keys; a mapping may be a key's value.

    Args:
        data: the keys.
        place: where in the plan they stand.
        path: keys that lead to them.

    Example:
        >>> [said.key for said in values_of({"ppo": {"lr": 0.1}, "env_kwargs": {"a": 1}}, ("set",))]
        ['ppo.lr', 'env_kwargs']
    """
    deepest = 4 if path[:1] == ("phases",) else 2
    for key, value in data.items():
        here = (*path, str(key))
        if isinstance(value, Mapping) and value and here[0] not in CORE and len(here) < deepest:
            yield from values_of(value, place, here)
        else:
            yield Value((*place, *here), here, value)


def _names(message: str, word: str) -> bool:
    return bool(word) and re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", message) is not None
