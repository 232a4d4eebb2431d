"""Starting an episode of environments that take options or none, and closing those that can be closed."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from isa_wrappers.errors import UnsupportedEnvironmentError


def start(env: Any, seed: int | None, options: Mapping[str, Any] | None) -> Any:
    """Reset an environment, and return what it returns; ``options`` that are ``None`` are not passed.

    Raises:
        UnsupportedEnvironmentError: if it takes no seed, or not the options that are given.

    Example:
        >>> class Plain:
        ...     def reset(self, seed=None):
        ...         return {}, {}
        >>> start(Plain(), 0, None)
        ({}, {})
    """
    arguments = {"seed": seed} if options is None else {"seed": seed, "options": options}
    try:
        return env.reset(**arguments)
    except TypeError as error:
        _check_accepts(env, arguments, error)
        raise


def _check_accepts(env: Any, arguments: Mapping[str, Any], error: TypeError) -> None:
    """Find out whether a reset failed because it does not take what it was given.

    Raises:
        UnsupportedEnvironmentError: if so.
    """
    try:
        signature(env.reset).bind(**arguments)
    except TypeError:
        raise UnsupportedEnvironmentError(
            f"reset() of {env} does not take {' and '.join(arguments)}; write reset(self, seed=None, options=None)"
        ) from error
    except ValueError:  # some built-in functions have no signature
        return


def close_env(env: Any) -> None:
    """Close an environment that has a ``close()``; batched ones, and some others, need not have one."""
    close = getattr(env, "close", None)
    if callable(close):
        close()
