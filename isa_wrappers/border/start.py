"""Reset environments with or without an ``options`` parameter, and close environments that can be closed."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from isa_wrappers.errors import UnsupportedEnvironmentError


def reset_env(env: Any, seed: int | None, options: Mapping[str, Any] | None) -> Any:
    """Reset an environment and return its result; ``options`` of ``None`` are not passed.

    Raises:
        UnsupportedEnvironmentError: if ``reset()`` does not accept a seed or the given options.

    Example:
        >>> class Plain:
        ...     def reset(self, seed=None):
        ...         return {}, {}
        >>> reset_env(Plain(), 0, None)
        ({}, {})
    """
    arguments = {"seed": seed} if options is None else {"seed": seed, "options": options}
    try:
        return env.reset(**arguments)
    except TypeError as error:
        _check_arguments(env, arguments, error)
        raise


def _check_arguments(env: Any, arguments: Mapping[str, Any], error: TypeError) -> None:
    """Find out whether a reset failed because it does not accept its arguments.

    Raises:
        UnsupportedEnvironmentError: if this is the reason.
    """
    try:
        signature(env.reset).bind(**arguments)
    except TypeError:
        raise UnsupportedEnvironmentError(
            f"reset() of {env} does not accept {' and '.join(arguments)}; define reset(self, seed=None, options=None)"
        ) from error
    except ValueError:  # some built-in functions have no signature
        return


def close_env(env: Any) -> None:
    """Close an environment if it has a ``close()``, which is optional for batched and some other environments."""
    close = getattr(env, "close", None)
    if callable(close):
        close()
