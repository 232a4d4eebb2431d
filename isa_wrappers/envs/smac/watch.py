"""A watchdog process that ends a game once the process that started it is gone."""

from __future__ import annotations

import subprocess
import sys

# The pipe closes when its writer is gone, for whatever reason.
_WAIT_AND_KILL = """
import os, signal, sys
sys.stdin.buffer.read()
os.kill(int(sys.argv[1]), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


class GameWatch:
    """Kills process ``pid`` once this process is gone; after SIGTERM or SIGKILL, this process cannot do it itself.

    Args:
        pid: process id of the game.
    """

    def __init__(self, pid: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _WAIT_AND_KILL, str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # keeps Ctrl-C of the terminal away from it
        )

    def close(self) -> None:
        """Stop watching; the game may continue."""
        self._process.kill()
        self._process.communicate()
