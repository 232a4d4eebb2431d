"""Runs of a plan on this machine: so many processes at a time, one thread each."""

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

CANNOT_BEGIN = (ISAError, OSError)
"""What ends one run of a comparison and none of the others: a folder that cannot be made, a full disk."""

ONE_RUN = (
    "import sys; sys.path[:1] == [''] and sys.path.pop(0); from isa_learners.experiments.one_run import main; "
    "sys.exit(main())"
)
"""Program of a run's process. The current folder, which Python puts first, may hold a file called as a module is."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
LOOK = 0.05
"""Seconds between two looks at whether a process has ended."""
LOOK_ELSEWHERE = 0.5
"""The same, where all that is left is at work in other processes of the plan."""
LAST_CHECKPOINT = 60.0
"""Seconds that a process gets to write its last checkpoint."""
LONGEST_REASON = 300


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
        run: which.
        reason: why it failed, in one line; ``None`` where it did not.
    """

    run: PlannedRun
    reason: str | None = None

    @classmethod
    def failed(cls, run: PlannedRun, error: Exception) -> Outcome:
        """Return how a run ended that an error kept from its end."""
        return cls(run, one_line(error)[:LONGEST_REASON])


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def command(path: str, options: Sequence[str]) -> list[str]:
    """Return what a run's process is started with, by the Python at work.

    Args:
        path: of the run's folder.
        options: of the run.
    """
    return [sys.executable, "-c", ONE_RUN, path, *options]


def options_of(comparison: Comparison, run: PlannedRun) -> list[str]:
    """Return the options of a run's process; code that the plan names is named again, so that it is trusted."""
    own = ["--env", run.task] if ":" in run.task else []
    own += [word for name in run.config.imports for word in ("--import", name)]
    return ["--episodes", str(comparison.plan.episodes), *own]


def why(code: int, text: str) -> str:
    """Say in one line why a process failed: its last line, or its signal."""
    lines = [line for line in text.splitlines() if line.strip() and "warning:" not in line]
    last = lines[-1].removeprefix("isa: ") if lines else ""
    told = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
    return (last if code == 2 and last else f"{told}{': ' + last if last else ''}")[:LONGEST_REASON]


class Process:
    """A run at work.

    Args:
        comparison: whose run it is.
        run: to bring to its end.
        claim: to it, of this process; closed at its end.

    Raises:
        ISAError: if its folder or its log cannot be made.
        OSError: if the system gives no process.
    """

    def __init__(self, comparison: Comparison, run: PlannedRun, claim: IO[bytes]) -> None:
        self.run, self._claim = run, claim
        comparison.prepare(run)
        self._log: IO[bytes] = comparison.open_log(run)
        self._from = self._log.seek(0, os.SEEK_END)
        # It ends when its standard input does, however this process ends; a Ctrl-C of the terminal is not its matter.
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
        """Return how it ended; ``None`` while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        self._log.seek(self._from)
        text = self._log.read().decode(errors="replace")
        self._close()
        return Outcome(self.run, why(code, text) if code else None)

    def stop(self) -> None:
        """Have it write a checkpoint and end; do not wait."""
        self._close_stdin()

    def wait(self) -> None:
        """Wait for its end; kill it if it takes too long."""
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
    """Start a run; return how it ended if it has or cannot begin, ``None`` while another process is at work on it."""
    try:
        claim = comparison.claim(run)
        if claim is None:
            return None
        try:
            if not comparison.progress(run).finished:  # by another process, meanwhile
                return Process(comparison, run, claim)
        except CANNOT_BEGIN:
            claim.close()
            raise
    except CANNOT_BEGIN as error:
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
    """Bring runs to their ends, ``jobs`` at a time; what fails is told and the rest goes on.

    Runs that another process of the same plan is at work on are left to it, and waited for.

    Args:
        comparison: whose runs they are.
        runs: to bring to their ends, in this order.
        jobs: processes at a time.
        began: called when a run begins.
        ended: called when one has ended.
        look: called every now and then.

    Returns:
        How each ended.

    Raises:
        InvalidValueError: for a number of jobs that is none.
    """
    jobs = check_int("jobs", jobs, 1)  # with none, it would wait for ever
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
            time.sleep(LOOK if working else LOOK_ELSEWHERE)
    finally:
        for process in working:
            process.stop()
        for process in working:
            process.wait()
    return outcomes
