"""Values of a plan for a run, with their places in the plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isa_learners.runs.config_keys import CORE
from isa_learners.runs.nesting import merge

UNNAMED = 3
"""Distance if a message does not name the value."""


@dataclass(frozen=True, eq=False)
class Value:
    """A value of a plan for a run.

    Attributes:
        place: keys of the plan that lead to it.
        path: keys of the run's configuration that lead to it.
        value: the value.
    """

    place: tuple[Any, ...]
    path: tuple[str, ...]
    value: Any

    @property
    def key(self) -> str:
        """Dotted configuration key."""
        return ".".join(self.path)

    def distance(self, message: str) -> int:
        """Return how precisely a message names this value: 0 for its full key, up to :data:`UNNAMED`.

        Example:
            >>> lr = Value(("set", "ppo", "lr"), ("ppo", "lr"), "much")
            >>> lr.distance("ppo.lr must be a number"), lr.distance("q.lr must be a number")
            (0, 3)
        """
        text = [self.value] if isinstance(self.value, str) else []
        words = [self.key], [str(self.place[-1]), self.path[-1]], [*self.path, *text]
        return next((i for i, group in enumerate(words) if any(_names(message, word) for word in group)), UNNAMED)


def merged(values: Iterable[Value]) -> dict[str, Any]:
    """Return values as a nested configuration; later values override earlier ones."""
    data: dict[str, Any] = {}
    for value in values:
        nested = value.value
        for key in reversed(value.path):
            nested = {key: nested}
        data = merge(data, nested)
    return data


def values_of(data: Mapping[str, Any], place: tuple[Any, ...], path: tuple[str, ...] = ()) -> Iterator[Value]:
    """Yield every value of nested configuration keys; the value of a key may be a mapping.

    Args:
        data: configuration keys.
        place: their place in the plan.
        path: configuration keys that lead to them.

    Example:
        >>> [value.key for value in values_of({"ppo": {"lr": 0.1}, "env_kwargs": {"a": 1}}, ("set",))]
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
