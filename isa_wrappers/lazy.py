"""Public names that are imported when they are first used, so that an index costs no heavy import (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, where: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module's ``__getattr__``.

    Args:
        package: the module's name, for the message.
        where: public name -> module that defines it.

    Example:
        >>> lazy("house", {"sqrt": "math"})("sqrt")(9.0)
        3.0
    """

    def imported(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(where[name]), name)

    return imported
