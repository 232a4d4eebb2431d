"""Find out whether user code or this library raised an error, and where."""

from __future__ import annotations

import sys
from itertools import takewhile
from pathlib import Path
from traceback import print_exception, walk_tb
from types import FrameType

from isa_wrappers.blame import error_source
from isa_wrappers.errors import one_line

OURS = ("isa_wrappers", "isa_learners", "isa_cli")
LIBRARIES = ("numpy", "torch", "jax", "array_api_compat", "importlib")
"""Packages that never count as user code: the environment or ISA called them."""


def foreign_place(error: BaseException) -> str | None:
    """Return where user code raised an error, as ``file.py:12 in step``; ``None`` if it did not come from user code.

    Example:
        >>> import json
        >>> try:
        ...     json.loads("{")
        ... except ValueError as error:
        ...     print(foreign_place(error).split()[-1])
        raw_decode
    """
    frames = list(walk_tb(error.__traceback__))
    frames_below = takewhile(lambda pair: not _within(pair[0], OURS), reversed(frames))  # after ISA's last frame
    foreign_frames = [(frame, line) for frame, line in frames_below if not _within(frame, LIBRARIES)]
    if not foreign_frames:
        return None
    frame, line = foreign_frames[0]
    return f"{Path(frame.f_code.co_filename).name}:{line} in {frame.f_code.co_name}"


def failure(error: BaseException) -> str | None:
    """Describe a failure of an entry or a task in one line: what failed, how and where; else return ``None``.

    A call that does not match a function's signature fails before any line of user code, so it has no location.
    """
    source, place = error_source(error), foreign_place(error)
    if source is None or (place is None and not isinstance(error, TypeError)):
        return None
    description = one_line(f"{type(error).__name__}: {error}").removesuffix(":")
    return f"{source} failed: {description}" + (f" ({place})" if place is not None else "")


def print_failure(error: BaseException) -> bool:
    """Print the traceback and the line of :func:`failure`; return False, printing nothing, if there is no such line."""
    line = failure(error)
    if line is not None:
        print_exception(error)
        sys.stderr.write(f"isa: {line}\n")
    return line is not None


def _within(frame: FrameType, packages: tuple[str, ...]) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] in packages
