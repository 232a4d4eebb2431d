"""Starting an episode of environments that take options, and of those that take none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def start(env: Any, seed: int | None, options: Mapping[str, Any] | None) -> Any:
    """Reset an environment, and return what it says; ``options`` that are not given are not passed.

    Example:
        >>> class Plain:
        ...     def reset(self, seed=None):
        ...         return {}, {}
        >>> start(Plain(), 0, None)
        ({}, {})
    """
    return env.reset(seed=seed) if options is None else env.reset(seed=seed, options=options)
