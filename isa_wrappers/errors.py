"""Typed errors. Each message is one line that names the value and what is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from numbers import Integral, Real
from typing import Any, TypeVar

from isa_wrappers.blame import error_source

Loader = TypeVar("Loader", bound=Callable[..., Any])
"""A ``load_state_dict(self, state)``."""


class ISAError(Exception):
    """Base class of all errors that user input can cause, with one-line messages; exit code 2 on the command line."""

    def __str__(self) -> str:
        return " ".join(super().__str__().splitlines())


class InvalidValueError(ISAError, ValueError):
    """An argument or configuration value is not accepted."""


class UnknownTaskError(ISAError, ValueError):
    """There is no task of this name."""


class UnknownNameError(InvalidValueError):
    """A registry (of algorithms, rewards, estimators, ...) has no entry of this name."""


class UnsupportedEnvironmentError(ISAError, TypeError):
    """The environment lacks something that ISA needs."""


class NonFiniteError(ISAError, ValueError):
    """A state or reward contains NaN or infinity."""


class ScopeMismatchError(ISAError, ValueError):
    """The scope was estimated for another environment."""


class RecordedDataError(ISAError, ValueError):
    """Recorded actions were not drawn at random, so they do not show influence."""


class EmptyGoalBufferError(ISAError, ValueError):
    """A goal was requested from an empty buffer."""


class FileFormatError(ISAError, ValueError):
    """A file is truncated or has an unexpected format."""


class RunFolderError(ISAError, ValueError):
    """A run folder already contains a run, or does not contain one."""


class UntrustedRunError(RunFolderError):
    """A run folder names code to import, and the user has not allowed that."""


class CannotWriteError(ISAError, OSError):
    """A file cannot be written: the disk is full, or the folder is read-only or does not exist."""


class DeviceError(ISAError, RuntimeError):
    """The requested device is not available."""


class GameCrashError(ISAError, RuntimeError):
    """The game behind an environment does not start, or crashes repeatedly."""


class WorkerError(ISAError, RuntimeError):
    """A worker process is permanently lost, or failed with an error that cannot be transferred."""


class ExportError(ISAError, RuntimeError):
    """A policy cannot be exported, or the exported policy acts differently."""


class MissingDependencyError(ISAError, ImportError):
    """An optional dependency is not installed."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known name, or an empty string.

    Example:
        >>> nearest("grid/shootin", ["grid/shooting", "grid/unlock"])
        "; did you mean 'grid/shooting'?"
    """
    close = get_close_matches(name[:100], list(known), n=1)  # its cost is quadratic in the length
    return f"; did you mean {close[0]!r}?" if close else ""


def mismatch_text(error: Exception) -> str:
    """Describe briefly why a saved state cannot be loaded.

    Example:
        >>> mismatch_text(KeyError("states")), mismatch_text(ValueError("saved goals must be finite"))
        ("it lacks 'states'", 'saved goals must be finite')
    """
    lines = [line.strip() for line in str(error).splitlines()]
    if isinstance(error, KeyError):
        return f"it lacks {lines[0]}"
    if not lines:
        return type(error).__name__
    return lines[1] if lines[0].endswith(":") and len(lines) > 1 else lines[0]  # torch lists the differences


def with_mismatch_error(load: Loader) -> Loader:
    """Decorate a ``load_state_dict`` so that errors describe in one line why the saved state does not fit.

    Example:
        >>> class Box:
        ...     @with_mismatch_error
        ...     def load_state_dict(self, state):
        ...         self.states = state["states"]
        >>> Box().load_state_dict({})
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.ScopeMismatchError: the saved state does not fit this Box: it lacks 'states'
    """

    @wraps(load)
    def load_typed(self: Any, state: Any) -> Any:
        try:
            return load(self, state)
        except ISAError:
            raise
        except (LookupError, RuntimeError, TypeError, ValueError) as error:
            if error_source(error) is not None:  # third-party code failed
                raise
            raise ScopeMismatchError(
                f"the saved state does not fit this {type(self).__name__}: {mismatch_text(error)}"
            ) from error

    return load_typed  # type: ignore[return-value]


def one_line(value: object) -> str:
    """Return a text or an error message on one line, with single spaces.

    Example:
        >>> one_line(ValueError("two   words"))
        'two words'
    """
    return " ".join(str(value).split())


def shown(value: object, most: int = 300) -> str:
    """Return ``repr(value)`` on one line of bounded length, for any value.

    Example:
        >>> shown([1, 2]), shown("a" * 1000)[:5], len(shown("a" * 1000))
        ('[1, 2]', "'aaaa", 300)
    """
    try:
        text = " ".join(repr(value).splitlines())
    except Exception:  # integers with thousands of digits, or any class
        text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= most else f"{text[: most - 3]}..."


LARGEST_INT = 2**63 - 1
"""Default upper limit of integers: the largest that arrays can contain."""


def check_int(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return ``value`` as an int if it is an integer, also of NumPy, in ``[low, high]``.

    Raises:
        InvalidValueError: if it is not.
    """
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if high is None and number is not None and number > LARGEST_INT:
        high = LARGEST_INT
    bound = f"at least {low}" if high is None else f"from {low} to {high}"
    if number is None or number < low or number > (LARGEST_INT if high is None else high):
        raise InvalidValueError(f"{name} must be an integer {bound}, got {shown(value)}")
    return number


def check_float(name: str, value: object, low: float, high: float | None = None, *, below: bool = False) -> float:
    """Return ``value`` as a float if it lies in ``[low, high]`` (``[low, high)`` with ``below``).

    Raises:
        InvalidValueError: if it does not.
    """
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else float("nan")
    except OverflowError:  # an integer beyond all floats
        number = float("inf")
    ok = number >= low and number != float("inf")
    ok = ok and (high is None or (number < high if below else number <= high))
    if not ok:
        closing = ")" if below else "]"
        bound = f"at least {low:g}" if high is None else f"in [{low:g}, {high:g}{closing}"
        raise InvalidValueError(f"{name} must be a number {bound}, got {shown(value)}")
    return number


def check_name(name: str, value: object) -> str:
    """Return ``value`` if it is a non-empty text.

    Raises:
        InvalidValueError: if it is not.
    """
    if not isinstance(value, str) or not value:
        raise InvalidValueError(f"{name} must be a name, got {shown(value)}")
    return value


def check_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``.

    Raises:
        InvalidValueError: if it is not; the message names the closest choice.
    """
    known = list(choices)
    if not isinstance(value, str) or value not in known:
        offer = nearest(value, known) if isinstance(value, str) else ""
        raise InvalidValueError(f"{name} must be one of {', '.join(known)}; got {shown(value)}{offer}")
    return value


def check_kind(name: str, value: object, *kinds: type) -> None:
    """Check that ``value`` is an instance of one of these classes.

    Raises:
        InvalidValueError: if it is not; the message names the classes.

    Example:
        >>> check_kind("scope", None, int, str)
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: scope must be int or str, got None
    """
    if not isinstance(value, kinds):
        raise InvalidValueError(f"{name} must be {' or '.join(kind.__name__ for kind in kinds)}, got {shown(value)}")
