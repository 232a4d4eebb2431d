"""Progress lines outside a terminal, once a minute."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

EVERY = 60.0
"""Seconds between two progress lines."""


class ProgressReporter:
    """Prints the progress of a command to stderr once a minute, unless stderr is a terminal.

    Args:
        progress_text: returns the text to print.
        quiet: print nothing.
    """

    def __init__(self, progress_text: Callable[[], str], quiet: bool = False) -> None:
        self._progress_text = progress_text
        self._over = threading.Event()
        silent = quiet or sys.stderr is None or sys.stderr.isatty()
        self._thread = None if silent else threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ProgressReporter:
        self._began = time.monotonic()
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(EVERY):
            minutes = (time.monotonic() - self._began) / 60
            sys.stderr.write(f"isa: {self._progress_text()}, {minutes:.0f} min\n")
            sys.stderr.flush()
