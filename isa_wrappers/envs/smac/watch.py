"""A process that outlives this one by a moment, to end the game that this one started."""

from __future__ import annotations

import subprocess
import sys

# The pipe closes when its writer is gone, however that went.
_WAIT_AND_KILL = """
import os, signal, sys
sys.stdin.buffer.read()
os.kill(int(sys.argv[1]), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


class GameWatch:
    """Ends process ``pid`` once this process is gone: after SIGTERM or SIGKILL nothing of ours runs any more.

    Args:
        pid: of the game.
    """

    def __init__(self, pid: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _WAIT_AND_KILL, str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is not for it
        )

    def close(self) -> None:
        """Watch no more; the game may go on."""
        self._process.kill()
        self._process.communicate()
