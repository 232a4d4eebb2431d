"""Whose code was at work when an error was raised: kept with the error, for the message at the end."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType


class Blamed:
    """Notes on any error that passes who was at work: the innermost of several.

    Args:
        who: such as ``"estimator 'mine'"``.

    Example:
        >>> try:
        ...     with Blamed("task 'a'"), Blamed("reward 'b'"):
        ...         {}["k"]
        ... except KeyError as error:
        ...     print(blamed_for(error), blamed_for(KeyError()))
        reward 'b' None
    """

    __slots__ = ("who",)

    def __init__(self, who: str) -> None:
        self.who = who

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let the error pass."""
        if error is not None and blamed_for(error) is None:
            with suppress(AttributeError):  # a class of errors may have no room
                error.isa_blames = self.who  # type: ignore[attr-defined]


def blamed_for(error: BaseException) -> str | None:
    """Return who was at work when an error was raised, where that is known."""
    who: str | None = getattr(error, "isa_blames", None)
    return who
