"""Attach to an error the name of the component that raised it, for the final message."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType


class ErrorSource:
    """Context manager that attaches the name of a component to errors raised inside; the innermost one counts.

    Args:
        who: name of the component, such as ``"estimator 'mine'"``.

    Example:
        >>> try:
        ...     with ErrorSource("task 'a'"), ErrorSource("reward 'b'"):
        ...         {}["k"]
        ... except KeyError as error:
        ...     print(error_source(error), error_source(KeyError()))
        reward 'b' None
    """

    __slots__ = ("who",)

    def __init__(self, who: str) -> None:
        self.who = who

    def __enter__(self) -> None:
        """Enter the context."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Attach the name to an error, and let the error pass."""
        if error is not None and error_source(error) is None:
            with suppress(AttributeError):  # an error class may not allow attributes
                error.isa_error_source = self.who  # type: ignore[attr-defined]


def error_source(error: BaseException) -> str | None:
    """Return the component that raised an error, or ``None`` if unknown."""
    who: str | None = getattr(error, "isa_error_source", None)
    return who
