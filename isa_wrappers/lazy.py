"""Import public names on first use, to avoid heavy imports (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, where: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for a module.

    Args:
        package: name of the module, for the message.
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
