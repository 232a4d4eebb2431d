"""Stopping a run: Ctrl-C, SIGTERM and SIGHUP stop it between two iterations."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Sent by the keyboard, by a scheduler or ``kill``, and by a closing terminal."""


class Interrupted(Exception):  # noqa: N818 - not an error: the user asked
    """Ctrl-C, SIGTERM or SIGHUP: the run stopped between two iterations and its checkpoint is written.

    Attributes:
        signal: number of the signal.
    """

    def __init__(self, signal: int = 2) -> None:
        super().__init__(f"stopped by signal {signal}")
        self.signal = signal


class StopRequest:
    """A context that records which signal asked to stop. A second Ctrl-C raises ``KeyboardInterrupt`` at once.

    A SIGHUP that the process ignores, as under ``nohup``, stays ignored. Signals are handled only in the main thread;
    elsewhere the caller must handle them.

    Attributes:
        signal: number of the signal; 0 if there was none.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for name in STOPPING:
                number = getattr(signal, name, None)  # Windows has no SIGHUP
                if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                    continue
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = self.signal or number
