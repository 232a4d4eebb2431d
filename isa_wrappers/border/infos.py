"""Keys of an agent's info that ISA reads: an action mask, and whether the game crashed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def has_crashed(info: Any) -> bool:
    """Return whether an agent's info says that the game crashed in this step.

    Example:
        >>> has_crashed({"crashed": True}), has_crashed({}), has_crashed(None)
        (True, False, False)
    """
    return isinstance(info, dict) and bool(info.get("crashed", False))


def are_plain(infos: Iterable[Any]) -> bool:
    """Return whether these are dicts without masks and without a crash; a quick check for every step.

    Example:
        >>> are_plain([{"fuel": 3}, {}]), are_plain([{"action_mask": [1, 0]}]), are_plain([None])
        (True, False, False)
    """
    for info in infos:  # noqa: SIM110 - all() over a generator takes twice as long
        if type(info) is not dict or "action_mask" in info or "crashed" in info:
            return False
    return True
