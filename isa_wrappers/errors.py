"""Typed errors. Each message is one line that names the value and what would be accepted."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real


class ISAError(Exception):
    """Base of every error a user's input can cause; the command line turns it into exit code 2."""


class InvalidValueError(ISAError, ValueError):
    """An argument or configuration value is outside what is accepted."""


class UnknownTaskError(ISAError, ValueError):
    """No task has this name."""


class UnknownNameError(InvalidValueError):
    """A list of things to choose from (algorithms, rewards, estimators, ...) has no entry of this name."""


class UnsupportedEnvironmentError(ISAError, TypeError):
    """The environment lacks something that ISA needs."""


class NonFiniteError(ISAError, ValueError):
    """A state or reward holds NaN or infinity."""


class ScopeMismatchError(ISAError, ValueError):
    """The scope was estimated for another environment."""


class EmptyGoalBufferError(ISAError, ValueError):
    """A goal was asked of a buffer that holds none."""


class FileFormatError(ISAError, ValueError):
    """A file is truncated, foreign, or of another kind than expected."""


class RunFolderError(ISAError, ValueError):
    """A run folder already holds a run, or does not hold one."""


class DeviceError(ISAError, RuntimeError):
    """The asked-for device is not available."""


class GameCrashError(ISAError, RuntimeError):
    """The game behind an environment does not start, or crashes again and again."""


class WorkerError(ISAError, RuntimeError):
    """A worker process is lost for good, or failed in a way that cannot be passed on."""


class MissingDependencyError(ISAError, ImportError):
    """An optional dependency is not installed."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known name, or an empty string.

    Example:
        >>> nearest("grid/shootin", ["grid/shooting", "grid/unlock"])
        "; did you mean 'grid/shooting'?"
    """
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def check_int(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return ``value`` as an int if it is an integer, NumPy's included, in ``[low, high]``.

    Raises:
        InvalidValueError: if it is not.
    """
    bound = f"at least {low}" if high is None else f"from {low} to {high}"
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if number is None or number < low or (high is not None and number > high):
        raise InvalidValueError(f"{name} must be a whole number {bound}, got {value!r}")
    return number


def check_float(name: str, value: object, low: float, high: float | None = None, *, below: bool = False) -> float:
    """Return ``value`` as a float if it lies in ``[low, high]`` (``[low, high)`` with ``below``).

    Raises:
        InvalidValueError: if it does not.
    """
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else float("nan")
    ok = number >= low and number != float("inf")
    ok = ok and (high is None or (number < high if below else number <= high))
    if not ok:
        closing = ")" if below else "]"
        bound = f"at least {low:g}" if high is None else f"in [{low:g}, {high:g}{closing}"
        raise InvalidValueError(f"{name} must be a number {bound}, got {value!r}")
    return number


def check_name(name: str, value: object) -> str:
    """Return ``value`` if it is a text that is not empty.

    Raises:
        InvalidValueError: if it is not.
    """
    if not isinstance(value, str) or not value:
        raise InvalidValueError(f"{name} must be a name, got {value!r}")
    return value


def check_choice(name: str, value: str, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``.

    Raises:
        InvalidValueError: if it is not; the nearest choice is offered.
    """
    known = list(choices)
    if value not in known:
        raise InvalidValueError(f"{name} must be one of {', '.join(known)}; got {value!r}{nearest(str(value), known)}")
    return value
