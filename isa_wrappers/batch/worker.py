"""One worker process: its start, what it is asked and answers, and its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

GRACE = 10.0
"""Seconds a worker gets to close its environments before it is killed."""


class LostError(Exception):
    """A worker died or hangs."""


class _RemoteError(Exception):
    """Carries a worker's traceback, as the cause of what it raised."""


class Worker:
    """One process that holds some copies. It leads a process group of its own, so that nothing it starts outlives it.

    Args:
        copies: their numbers within the batch.
    """

    def __init__(self, copies: range) -> None:
        self.copies = copies
        self._requests = 0
        ours, theirs = socket.socketpair()
        parent_read, parent_write = os.pipe()
        self._parent_lives = os.fdopen(parent_write, "wb")  # open for as long as this process lives
        with theirs:
            # The current folder comes last: in it a file of the user's may be called as a module is.
            code = (
                "import sys; sys.path[:1] == [''] and sys.path.append(sys.path.pop(0)); "
                f"from isa_wrappers.batch.worker_process import serve; serve({theirs.fileno()}, {parent_read})"
            )
            path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
            # Many workers share the machine: one thread each.
            env = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path}
            # A fresh interpreter: a fork of one that runs torch or CUDA may lock up.
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno(), parent_read],
                stdin=subprocess.DEVNULL,
                stdout=2,  # games are talkative, and stdout belongs to the program
                env=env,
                start_new_session=True,
            )
        os.close(parent_read)
        self.pipe = Connection(ours.detach())

    def __str__(self) -> str:
        first, last = self.copies[0], self.copies[-1]
        return f"the worker of copy {first}" if first == last else f"the worker of copies {first} to {last}"

    def ask(self, method: str, *arguments: Any) -> None:
        """Send a request, whose answer :meth:`answer` awaits."""
        self._requests += 1
        with suppress(OSError):  # answer() will find it dead
            self.pipe.send_bytes(cloudpickle.dumps((self._requests, method, arguments)))

    def answer(self, deadline: float | None) -> Any:
        """Wait for the answer to the last request until ``deadline`` on the monotonic clock; raise what it raised."""
        number = 0
        try:
            while number != self._requests:  # answers that nobody waited for, as after Ctrl-C, are dropped
                if not self.pipe.poll(None if deadline is None else max(0.0, deadline - time.monotonic())):
                    raise LostError("did not answer in time")
                number, error, value = cloudpickle.loads(self.pipe.recv_bytes())
        except (EOFError, OSError):
            raise LostError("died") from None
        if error is not None:
            raise error from _RemoteError(f"in {self}:\n{value}")
        return value

    def kill(self) -> None:
        """Kill what is left of the process and of what it has started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._parent_lives.close()


def end(workers: list[Worker], grace: float = GRACE) -> None:
    """Let workers close their environments, then kill what is left of their process groups."""
    ending = list(workers)
    workers.clear()
    for worker in ending:
        worker.pipe.close()  # which they notice
    deadline = time.monotonic() + grace
    for worker in ending:
        with suppress(subprocess.TimeoutExpired):
            worker.process.wait(max(0.0, deadline - time.monotonic()))
        worker.kill()
