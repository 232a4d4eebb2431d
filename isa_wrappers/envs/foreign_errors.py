"""Tells errors that an environment of anybody's raised from those of this library, and where they came from."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from traceback import walk_tb
from types import FrameType

OURS = ("isa_wrappers", "isa_learners", "isa_cli")
LIBRARIES = ("numpy", "torch", "jax", "array_api_compat")
"""Packages whose own lines are never somebody's environment: it or ISA called them."""


def foreign_place(error: BaseException) -> str | None:
    """Return where somebody else's code raised an error, as ``file.py:12 in step``; ``None`` where it was not theirs.

    Example:
        >>> import json
        >>> try:
        ...     json.loads("{")
        ... except ValueError as error:
        ...     print(foreign_place(error).split()[-1])
        raw_decode
    """
    frames = list(walk_tb(error.__traceback__))
    since = takewhile(lambda at: not _within(at[0], OURS), reversed(frames))  # ISA's own last line
    theirs = [(frame, line) for frame, line in since if not _within(frame, LIBRARIES)]
    if not theirs:
        return None
    frame, line = theirs[0]
    return f"{Path(frame.f_code.co_filename).name}:{line} in {frame.f_code.co_name}"


def _within(frame: FrameType, packages: tuple[str, ...]) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] in packages
