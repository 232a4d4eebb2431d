"""Runs of a plan on this machine, in parallel processes with one thread each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.plan import PlannedRun
from isa_wrappers.errors import ISAError, check_int, one_line

START_ERRORS = (ISAError, OSError)
"""Errors that end one run of a comparison but not the others, such as a full disk."""

ONE_RUN = (
    "import sys; sys.path[:1] == [''] and sys.path.pop(0); from isa_learners.experiments.one_run import main; "
    "sys.exit(main())"
)
"""Program of a run's process. It removes the current folder from the path, as a file there may shadow a module."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
POLL_SECONDS = 0.05
"""Seconds between two checks whether a process has ended."""
POLL_OTHERS = 0.5
"""The same, if all remaining runs are active in other processes of the plan."""
LAST_CHECKPOINT = 60.0
"""Seconds that a process has to write its last checkpoint."""
LONGEST_REASON = 300


@dataclass
class Outcome:
    """The outcome of a run.

    Attributes:
        run: the run.
        reason: one-line reason of a failure, or ``None``.
    """

    run: PlannedRun
    reason: str | None = None

    @classmethod
    def failed(cls, run: PlannedRun, error: Exception) -> Outcome:
        """Return the outcome of a run that failed with an error."""
        return cls(run, one_line(error)[:LONGEST_REASON])


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def command(path: str, options: Sequence[str]) -> list[str]:
    """Return the command line of a run's process with the current Python.

    Args:
        path: path of the run folder.
        options: options of the run.
    """
    return [sys.executable, "-c", ONE_RUN, path, *options]


def options_of(comparison: Comparison, run: PlannedRun) -> list[str]:
    """Return the options of a run's process; they repeat custom code of the plan, so that it is trusted."""
    trust_options = ["--env", run.task] if ":" in run.task else []
    trust_options += [word for name in run.config.imports for word in ("--import", name)]
    return ["--episodes", str(comparison.plan.episodes), *trust_options]


def failure_reason(code: int, text: str) -> str:
    """Return a one-line reason why a process failed: its last line, or its signal."""
    lines = [line for line in text.splitlines() if line.strip() and "warning:" not in line]
    last = lines[-1].removeprefix("isa: ") if lines else ""
    ending = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
    return (last if code == 2 and last else f"{ending}{': ' + last if last else ''}")[:LONGEST_REASON]


class Process:
    """An active run.

    Args:
        comparison: comparison of the run.
        run: run to complete.
        claim: claim to the run, closed at its end.

    Raises:
        ISAError: if its folder or its log cannot be created.
        OSError: if the process cannot be started.
    """

    def __init__(self, comparison: Comparison, run: PlannedRun, claim: IO[bytes]) -> None:
        self.run, self._claim = run, claim
        comparison.prepare(run)
        self._log: IO[bytes] = comparison.open_log(run)
        self._from = self._log.seek(0, os.SEEK_END)
        # It ends when its stdin closes, so it never outlives this process; it does not receive Ctrl-C itself.
        try:
            self._process = subprocess.Popen(
                command(str(comparison.path(run)), options_of(comparison, run)),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                env={**os.environ, **ONE_THREAD},
                start_new_session=True,
            )
        except OSError:
            self._log.close()
            raise

    def outcome(self) -> Outcome | None:
        """Return the outcome; ``None`` while the process runs."""
        code = self._process.poll()
        if code is None:
            return None
        self._log.seek(self._from)
        text = self._log.read().decode(errors="replace")
        self._close()
        return Outcome(self.run, failure_reason(code, text) if code else None)

    def stop(self) -> None:
        """Ask the process to write a checkpoint and end, without waiting."""
        self._close_stdin()

    def wait(self) -> None:
        """Wait until the process ends; kill it after a timeout."""
        try:
            self._process.wait(LAST_CHECKPOINT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        self._log.close()
        self._close_stdin()
        self._claim.close()

    def _close_stdin(self) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()


def _start(comparison: Comparison, run: PlannedRun) -> Process | Outcome | None:
    """Start a run; return its outcome if it is finished or cannot start, ``None`` while another process claims it."""
    try:
        claim = comparison.claim(run)
        if claim is None:
            return None
        try:
            if not comparison.progress(run).finished:  # unless another process has finished it meanwhile
                return Process(comparison, run, claim)
        except START_ERRORS:
            claim.close()
            raise
    except START_ERRORS as error:
        return Outcome.failed(run, error)
    claim.close()
    return Outcome(run)


def run_here(
    comparison: Comparison,
    runs: Sequence[PlannedRun],
    jobs: int,
    began: Callable[[PlannedRun], None],
    ended: Callable[[Outcome], None],
    look: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Complete runs, ``jobs`` at a time; failures do not stop the other runs.

    For runs that are active in another process of the same plan, it waits.

    Args:
        comparison: comparison of the runs.
        runs: runs to complete, in this order.
        jobs: number of parallel processes.
        began: called when a run starts.
        ended: called when a run has ended.
        look: called regularly.

    Returns:
        The outcome of each run.

    Raises:
        InvalidValueError: if ``jobs`` is not a positive integer.
    """
    jobs = check_int("jobs", jobs, 1)  # with 0 it would wait forever
    waiting, working, outcomes = list(runs), list[Process](), list[Outcome]()
    try:
        while waiting or working:
            for run in list(waiting):
                if len(working) == jobs:
                    break
                started = _start(comparison, run)
                if started is None:
                    continue
                waiting.remove(run)
                if isinstance(started, Process):
                    working.append(started)
                    began(run)
                else:
                    outcomes.append(started)
                    ended(started)
            for process in list(working):
                if (outcome := process.outcome()) is not None:
                    working.remove(process)
                    outcomes.append(outcome)
                    ended(outcome)
            look()
            time.sleep(POLL_SECONDS if working else POLL_OTHERS)
    finally:
        for process in working:
            process.stop()
        for process in working:
            process.wait()
    return outcomes
