"""Copies of an environment in worker processes: one process a copy, replaced when it dies or hangs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np

from isa_wrappers.batch.env_copy import CopySpec, Row, completed
from isa_wrappers.errors import WorkerError, check_float
from isa_wrappers.spaces import StateFallback
from isa_wrappers.success import SuccessRule

LOSSES = 3
"""A copy whose worker is lost this often, with no step between, is given up."""
START = 60.0
"""Seconds beyond the time-out that a worker gets to start and to make its environment."""
GRACE = 10.0
"""Seconds a worker gets to close its environment before it is killed."""


class _LostError(Exception):
    """A worker died or hangs."""


class _RemoteError(Exception):
    """Carries a worker's traceback, as the cause of what it raised."""


class Worker:
    """One process that holds one copy. It leads a process group of its own, so that nothing it starts outlives it.

    Args:
        number: of the copy, for messages.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._asked = 0
        ours, theirs = socket.socketpair()
        with theirs:
            code = f"from isa_wrappers.batch.worker_process import serve; serve({theirs.fileno()}, {os.getpid()})"
            path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
            # Many workers share the machine: one thread each.
            env = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path}
            # A fresh interpreter: a fork of one that runs torch or CUDA may lock up.
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # games are talkative, and stdout belongs to the program
                env=env,
                start_new_session=True,
            )
        self.pipe = Connection(ours.detach())

    def ask(self, method: str, *arguments: Any) -> None:
        """Send a request; its answer is to be taken with :meth:`answer`."""
        self._asked += 1
        with suppress(OSError):  # answer() will find it dead
            self.pipe.send_bytes(cloudpickle.dumps((self._asked, method, arguments)))

    def answer(self, deadline: float | None) -> Any:
        """Wait for the answer to the last request until ``deadline`` on the monotonic clock; raise what it raised."""
        number = 0
        try:
            while number != self._asked:  # answers nobody waited for, after Ctrl-C say, are dropped
                if not self.pipe.poll(None if deadline is None else max(0.0, deadline - time.monotonic())):
                    raise _LostError("did not answer in time")
                number, error, value = cloudpickle.loads(self.pipe.recv_bytes())
        except (EOFError, OSError):
            raise _LostError("died") from None
        if error is not None:
            raise error from _RemoteError(f"in the worker of copy {self.number}:\n{value}")
        return value


class WorkerCopies:
    """Copies that are asked all at once and then listened to.

    Args:
        factories: functions that make one environment each.
        fallback: what stands for a missing ``state()``.
        success: how a won episode is told.
        timeout: seconds a worker may take for one reset or step; ``None`` waits for ever.

    Raises:
        InvalidValueError: if the time-out is negative.
        WorkerError: if a worker dies or hangs while it makes its environment.
    """

    def __init__(
        self,
        factories: Sequence[Callable[[], Any]],
        fallback: StateFallback,
        success: SuccessRule = "success",
        timeout: float | None = None,
    ) -> None:
        self._factories, self._fallback, self._success = list(factories), fallback, success
        self._timeout = None if timeout is None else check_float("timeout", timeout, 0.0)
        self._workers: list[Worker] = []
        self._last: list[Row] = []
        self._losses = [0] * len(self._factories)
        self._finalizer = weakref.finalize(self, _end, self._workers)  # at exit too
        try:
            for b in range(len(self._factories)):
                self._workers.append(self._make(b))
            specs = [self._made(worker) for worker in self._workers]
            self.spec: CopySpec = specs[0]
        except BaseException:
            self.close()
            raise

    def reset(self, seeds: Sequence[int | None]) -> list[Row]:
        """Start every copy afresh."""
        rows = self._ask_all("reset", [(seed,) for seed in seeds])
        self._last = [self._replaced(b, row, seeds[b]) if isinstance(row, str) else row for b, row in enumerate(rows)]
        return self._last

    def step(self, actions: Sequence[Sequence[int]]) -> list[Row]:
        """Advance every copy; those whose worker was lost come back truncated, with the last observation."""
        rows = self._ask_all("step", [(joint,) for joint in actions])
        for b, row in enumerate(rows):
            if isinstance(row, str):
                self._last[b] = _discarded(self._last[b], self._replaced(b, row, None))
            else:
                self._last[b], self._losses[b] = row, 0
        return list(self._last)

    def close(self) -> None:
        """End every worker and what it started."""
        _end(self._workers)

    def _make(self, b: int) -> Worker:
        worker = Worker(b)
        worker.ask("make", self._factories[b], self._fallback, self._success)
        return worker

    def _made(self, worker: Worker) -> Any:
        try:
            return worker.answer(self._deadline(START))
        except _LostError as lost:
            raise WorkerError(f"the worker of copy {worker.number} {lost} while it made its environment") from None

    def _deadline(self, more: float = 0.0) -> float | None:
        return None if self._timeout is None else time.monotonic() + self._timeout + more

    def _ask_all(self, method: str, arguments: list[tuple[Any, ...]]) -> list[Row | str]:
        """Return the rows, or why a worker was lost; raise the first error once all have answered."""
        if not self._workers:
            raise WorkerError("the batch is closed; make a new one")
        for worker, given in zip(self._workers, arguments, strict=True):
            worker.ask(method, *given)
        deadline = self._deadline()
        rows: list[Row | str] = []
        errors: list[Exception] = []
        for worker in self._workers:
            try:
                rows.append(worker.answer(deadline))
            except _LostError as lost:
                rows.append(str(lost))
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return rows

    def _replaced(self, b: int, why: str, seed: int | None) -> Row:
        """Put a new worker in the place of a lost one and start an episode in it."""
        while True:
            self._losses[b] += 1
            _end([self._workers[b]], grace=0.0)
            if self._losses[b] >= LOSSES:
                raise WorkerError(f"the worker of copy {b} was lost {LOSSES} times in a row; the last time it {why}")
            self._workers[b] = self._make(b)
            self._made(self._workers[b])
            self._workers[b].ask("reset", seed)
            try:
                row: Row = self._workers[b].answer(self._deadline())
            except _LostError as lost:
                why = str(lost)
            else:
                return row


def _discarded(last: Row, fresh: Row) -> Row:
    """Return the row of an episode that was lost after ``last``, and of the one that begins with ``fresh``."""
    row = completed(fresh, last)
    row["truncated"] = row["discarded"] = np.array(True)
    return row


def _end(workers: list[Worker], grace: float = GRACE) -> None:
    """Let workers close their environments, then kill what is left of their process groups."""
    ending, workers[:] = list(workers), []
    for worker in ending:
        worker.pipe.close()  # which they notice
    deadline = time.monotonic() + grace
    for worker in ending:
        with suppress(subprocess.TimeoutExpired):
            worker.process.wait(max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
