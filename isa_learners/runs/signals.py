"""Ending a run when it is asked to: Ctrl-C, SIGTERM and SIGHUP alike stop it between two iterations."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
"""From the keyboard; from a scheduler or ``kill``; from a terminal that goes away."""


class Interrupted(Exception):  # noqa: N818 - not an error: the user asked
    """Ctrl-C, SIGTERM or SIGHUP: the run stopped between two iterations and its checkpoint is written.

    Attributes:
        signal: its number.
    """

    def __init__(self, signal: int = 2) -> None:
        super().__init__(f"stopped by signal {signal}")
        self.signal = signal


class StopRequest:
    """While entered, keeps which signal asked to stop. A second Ctrl-C raises ``KeyboardInterrupt`` at once.

    A SIGHUP that the process was started to ignore, as by ``nohup``, goes on being ignored. Only the main thread may
    catch signals; elsewhere they are the caller's matter.

    Attributes:
        signal: its number; 0 while nobody has asked.
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
                self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if self.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = self.signal or number
