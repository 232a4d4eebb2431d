"""Copies of an environment in worker processes; a process that dies or hangs is replaced."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from isa_wrappers.batch.copies import Rows
from isa_wrappers.batch.env_copy import complete_row
from isa_wrappers.batch.packing import CopySpec
from isa_wrappers.batch.worker import LostError, Worker, stop
from isa_wrappers.border.spaces import StateFallback
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.errors import InvalidValueError, WorkerError, check_float

MAX_CONSECUTIVE_FAILURES = 3
"""Number of losses of a worker in a row, without a step in between, after which an error is raised."""
START = 60.0
"""Additional seconds that a worker has to start and to create its environments."""


class WorkerCopies:
    """Copies in worker processes: sends requests to all of them, then waits for the answers.

    Args:
        factories: functions that create one environment each.
        fallback: replacement for a missing ``state()``.
        success: rule that identifies a won episode.
        timeout: seconds that a worker may take for one reset or step of its copies; ``None`` disables the limit.
        workers: number of processes, at most one per copy; the copies are split among them evenly and in order.

    Raises:
        InvalidValueError: if the time-out is negative, or a factory is not a function.
        WorkerError: if a worker dies or hangs while it creates its environments.
    """

    def __init__(
        self,
        factories: Sequence[Callable[[], Any]],
        fallback: StateFallback,
        success: SuccessRule,
        timeout: float | None,
        workers: int,
    ) -> None:
        for factory in factories:
            if not callable(factory):
                raise InvalidValueError(f"workers need functions that create an environment, got {factory!r}")
        self._factories = list(factories)
        self._fallback = fallback
        self._success = success
        self._timeout = None if timeout is None else check_float("timeout", timeout, 0.0)
        shares = _split(len(self._factories), workers)
        self._workers: list[Worker] = []
        self._last_rows: list[Rows] = []
        self._failures = [0] * len(shares)
        self._finalizer = weakref.finalize(self, stop, self._workers)  # at exit too
        try:
            for copies in shares:
                self._workers.append(self._start_worker(copies))
            specs = [self._spec_of(worker) for worker in self._workers]
            self.spec: CopySpec = specs[0]
            for other in specs[1:]:
                self.spec.check_alike(other)
        except BaseException:
            self.close()
            raise

    def reset(self, seeds: Sequence[int | None]) -> Rows:
        """Start a new episode in every copy."""
        parts = self._ask_all("reset", seeds)
        self._last_rows = [
            self._replace(w, part, seeds) if isinstance(part, str) else part for w, part in enumerate(parts)
        ]
        return _concatenated(self._last_rows)

    def step(self, actions: Sequence[Sequence[Any]]) -> Rows:
        """Advance every copy; copies of a lost worker are truncated, with the last observation."""
        for w, part in enumerate(self._ask_all("step", actions)):
            if isinstance(part, str):
                fresh = self._replace(w, part, [None] * len(self._factories))
                self._last_rows[w] = _discarded_rows(self._last_rows[w], fresh)
            else:
                self._last_rows[w], self._failures[w] = part, 0
        return _concatenated(self._last_rows)

    def close(self) -> None:
        """End every worker and its child processes."""
        stop(self._workers)

    def _start_worker(self, copies: range) -> Worker:
        worker = Worker(copies)
        worker.ask("make", [self._factories[b] for b in copies], self._fallback, self._success)
        return worker

    def _spec_of(self, worker: Worker) -> CopySpec:
        try:
            spec: CopySpec = worker.answer(self._deadline(START))
            return spec
        except LostError as lost:
            environments = "its environment" if len(worker.copies) == 1 else "its environments"
            raise WorkerError(f"{worker} {lost} while creating {environments}") from None

    def _deadline(self, extra: float = 0.0) -> float | None:
        return None if self._timeout is None else time.monotonic() + self._timeout + extra

    def _ask_all(self, method: str, arguments: Sequence[Any]) -> list[Rows | str]:
        """Send a request with one argument per copy; return the rows of each worker, or why it was lost.

        Raises the first error after all workers have answered.
        """
        if not self._workers:
            raise WorkerError("the batch is closed; create a new one")
        for worker in self._workers:
            worker.ask(method, [arguments[b] for b in worker.copies])
        deadline = self._deadline()
        parts: list[Rows | str] = []
        errors: list[Exception] = []
        for worker in self._workers:
            try:
                parts.append(worker.answer(deadline))
            except LostError as lost:
                parts.append(str(lost))
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return parts

    def _replace(self, w: int, reason: str, seeds: Sequence[int | None]) -> Rows:
        """Replace a lost worker and start an episode in each of its copies."""
        while True:
            lost = self._workers[w]
            self._failures[w] += 1
            stop([lost], grace=0.0)
            if self._failures[w] >= MAX_CONSECUTIVE_FAILURES:
                raise WorkerError(
                    f"{lost} was lost {MAX_CONSECUTIVE_FAILURES} times in a row; the last time it {reason}"
                )
            worker = self._workers[w] = self._start_worker(lost.copies)
            self.spec.check_alike(self._spec_of(worker))
            worker.ask("reset", [seeds[b] for b in worker.copies])
            try:
                rows: Rows = worker.answer(self._deadline())
            except LostError as again:
                reason = str(again)
            else:
                return rows


def _split(copies: int, workers: int) -> list[range]:
    """Split the indices of ``copies`` among at most ``workers``, evenly and in order.

    Example:
        >>> _split(5, 3), len(_split(2, 8))
        ([range(0, 2), range(2, 4), range(4, 5)], 2)
    """
    workers = min(copies, workers)
    size, larger = divmod(copies, workers)
    starts = [w * size + min(w, larger) for w in range(workers + 1)]
    return [range(start, stop) for start, stop in pairwise(starts)]


def _concatenated(parts: Sequence[Rows]) -> Rows:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _discarded_rows(last: Rows, fresh: Rows) -> Rows:
    """Return the rows of episodes lost after ``last``, with new episodes that begin with ``fresh``."""
    rows = complete_row(fresh, last)
    rows["truncated"] = rows["discarded"] = np.ones(len(fresh["alive"]), dtype=bool)
    return rows
