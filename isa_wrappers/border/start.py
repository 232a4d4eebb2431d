"""Starting an episode of environments that take options or none, and closing those that can be closed."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from isa_wrappers.errors import UnsupportedEnvironmentError


def start(env: Any, seed: int | None, options: Mapping[str, Any] | None) -> Any:
    """Reset an environment, and return what it says; ``options`` that are not given are not passed.

    Raises:
        UnsupportedEnvironmentError: if it takes no seed, or not the options that are given.

    Example:
        >>> class Plain:
        ...     def reset(self, seed=None):
        ...         return {}, {}
        >>> start(Plain(), 0, None)
        ({}, {})
    """
    given = {"seed": seed} if options is None else {"seed": seed, "options": options}
    try:
        return env.reset(**given)
    except TypeError as error:
        _check_takes(env, given, error)
        raise


def _check_takes(env: Any, given: Mapping[str, Any], error: TypeError) -> None:
    """Find out whether a reset failed because it does not take what it was given.

    Raises:
        UnsupportedEnvironmentError: if so.
    """
    try:
        signature(env.reset).bind(**given)
    except TypeError:
        raise UnsupportedEnvironmentError(
            f"reset() of {env} does not take {' and '.join(given)}; write reset(self, seed=None, options=None)"
        ) from error
    except ValueError:  # some built-in functions do not tell their signature
        return


def close_env(env: Any) -> None:
    """Close an environment that can be closed; of batched ones, and of some others, nobody asks that they can."""
    close = getattr(env, "close", None)
    if callable(close):
        close()
