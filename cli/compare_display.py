"""Progress of a comparison: in a terminal a bar for all runs and one per active run, elsewhere a line per run."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from isa_learners.experiments.folder import Comparison
    from isa_learners.experiments.local import Outcome
    from isa_learners.experiments.plan import PlannedRun

REFRESH_SECONDS = 2.0
"""Seconds between two reads of the metrics of the active runs."""


class ComparisonDisplay:
    """Shows active, finished, failed and remaining runs on stderr.

    Args:
        comparison: the comparison.
        runs: its runs that remain to be completed.
        quiet: show nothing; failed runs are still listed at the end.
    """

    def __init__(self, comparison: Comparison, runs: Sequence[PlannedRun], quiet: bool = False) -> None:
        self._comparison, self._runs = comparison, list(runs)
        self._done, self._left_printed = 0, False
        self._last_refresh = 0.0
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._live, self._quiet = self._console.is_terminal and not quiet, quiet
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[status]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._live,
        )
        self._all = self._bars.add_task("all runs", total=len(self._runs), status="")
        self._working: dict[str, tuple[PlannedRun, TaskID]] = {}

    def __enter__(self) -> ComparisonDisplay:
        self._bars.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()
        if error is not None and not isinstance(error, Exception):  # Ctrl-C, or another signal
            total = len(self._comparison.plan.runs)
            finished = total - len(self._comparison.left())
            sys.stderr.write(f"isa: {finished} of {total} runs finished; run the command again to continue\n")

    def began(self, run: PlannedRun) -> None:
        """Add the run's bar."""
        self._print_left()
        self._working[run.name] = run, self._bars.add_task(run.name, total=run.config.steps, status="")

    def ended(self, outcome: Outcome) -> None:
        """Remove the run's bar and print how the run ended."""
        self._print_left()
        run = outcome.run
        self._done += 1
        if run.name in self._working:
            self._bars.remove_task(self._working.pop(run.name)[1])
        progress = self._comparison.progress(run)
        result = (
            f"success {'-' if progress.success is None else format(progress.success, '.2f')}, {progress.seconds:.0f} s"
        )
        result = result if outcome.reason is None else f"failed: {outcome.reason}"
        self._print(f"{self._done}/{len(self._runs)} {run.name}: {result}")
        self._bars.update(self._all, completed=self._done)

    def refresh(self) -> None:
        """Update the bars, at most every ``REFRESH_SECONDS`` seconds."""
        self._print_left()
        if not self._live or time.monotonic() - self._last_refresh < REFRESH_SECONDS:
            return
        self._last_refresh = time.monotonic()
        for run, bar in self._working.values():
            progress = self._comparison.progress(run)
            status = "scope" if progress.success is None else f"success {progress.success:.2f}"
            self._bars.update(bar, completed=progress.env_steps, status=status)
        seconds = self._comparison.seconds_left(
            [run for run in self._runs if not self._comparison.progress(run).finished]
        )
        if seconds is not None:
            self._bars.update(self._all, status=f"{seconds / max(len(self._working), 1) / 60:.0f} min left")

    def _print_left(self) -> None:
        """Print once, when the first run starts, how many runs are left; an error before that stays a single line."""
        if not self._left_printed:
            self._left_printed = True
            self._print(f"isa: {len(self._runs)} of {len(self._comparison.plan.runs)} runs left")

    def _print(self, line: str) -> None:
        if self._live:
            self._bars.console.print(line)
        elif not self._quiet:
            sys.stderr.write(line + "\n")
