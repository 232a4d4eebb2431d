"""One worker process: its start, its requests and answers, and its end."""

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
"""Seconds that a worker has to close its environments before it is killed."""


class LostError(Exception):
    """A worker died or hangs."""


class _RemoteError(Exception):
    """Contains the traceback of a worker, as the cause of its error."""


class Worker:
    """One process with some copies. It leads its own process group, so that none of its child processes outlives it.

    Args:
        copies: indices of the copies in the batch.
    """

    def __init__(self, copies: range) -> None:
        self.copies = copies
        self._requests = 0
        parent_socket, worker_socket = socket.socketpair()
        parent_read, parent_write = os.pipe()
        self._parent_pipe = os.fdopen(parent_write, "wb")  # open while this process is alive
        with worker_socket:
            # The current folder comes last, since a user file in it may have the name of a module.
            code = (
                "import sys; sys.path[:1] == [''] and sys.path.append(sys.path.pop(0)); "
                f"from isa_wrappers.batch.worker_process import serve; serve({worker_socket.fileno()}, {parent_read})"
            )
            path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
            # Many workers share the machine, so use one thread each.
            env = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path}
            # Start a new interpreter: forking one that runs torch or CUDA may deadlock.
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[worker_socket.fileno(), parent_read],
                stdin=subprocess.DEVNULL,
                stdout=2,  # games print a lot, and stdout belongs to the program
                env=env,
                start_new_session=True,
            )
        os.close(parent_read)
        self.pipe = Connection(parent_socket.detach())

    def __str__(self) -> str:
        first, last = self.copies[0], self.copies[-1]
        return f"the worker of copy {first}" if first == last else f"the worker of copies {first} to {last}"

    def ask(self, method: str, *arguments: Any) -> None:
        """Send a request; :meth:`answer` waits for the answer."""
        self._requests += 1
        with suppress(OSError):  # answer() will find it dead
            self.pipe.send_bytes(cloudpickle.dumps((self._requests, method, arguments)))

    def answer(self, deadline: float | None) -> Any:
        """Wait for the answer to the last request until ``deadline`` on the monotonic clock; raise what it raised."""
        number = 0
        try:
            while number != self._requests:  # drop answers to interrupted requests, such as after Ctrl-C
                if not self.pipe.poll(None if deadline is None else max(0.0, deadline - time.monotonic())):
                    raise LostError("did not answer in time")
                number, error, value = cloudpickle.loads(self.pipe.recv_bytes())
        except (EOFError, OSError):
            raise LostError("died") from None
        if error is not None:
            raise error from _RemoteError(f"in {self}:\n{value}")
        return value

    def kill(self) -> None:
        """Kill the process and its remaining child processes."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._parent_pipe.close()


def stop(workers: list[Worker], grace: float = GRACE) -> None:
    """Let workers close their environments, then kill the remaining processes of their groups."""
    stopping = list(workers)
    workers.clear()
    for worker in stopping:
        worker.pipe.close()  # the signal to stop
    deadline = time.monotonic() + grace
    for worker in stopping:
        with suppress(subprocess.TimeoutExpired):
            worker.process.wait(max(0.0, deadline - time.monotonic()))
        worker.kill()
