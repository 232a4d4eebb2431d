"""How a comparison looks in a terminal: a bar over all runs and one for each at work. Elsewhere, a line per run."""

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

LOOK = 2.0
"""Seconds between two looks at the metrics of the runs at work."""


class ComparisonDisplay:
    """Shows on stderr what runs, what ended and why, and what is left.

    Args:
        comparison: whose runs they are.
        runs: that are to be brought to their ends.
        quiet: show nothing; runs that fail are told of at the end all the same.
    """

    def __init__(self, comparison: Comparison, runs: Sequence[PlannedRun], quiet: bool = False) -> None:
        self._comparison, self._runs = comparison, list(runs)
        self._done, self._told_left = 0, False
        self._looked = 0.0
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._live, self._quiet = self._console.is_terminal and not quiet, quiet
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._live,
        )
        self._all = self._bars.add_task("all runs", total=len(self._runs), told="")
        self._working: dict[str, tuple[PlannedRun, TaskID]] = {}

    def __enter__(self) -> ComparisonDisplay:
        self._bars.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()
        if error is not None and not isinstance(error, Exception):  # Ctrl-C, or another signal
            whole = len(self._comparison.plan.runs)
            finished = whole - len(self._comparison.left())
            sys.stderr.write(f"isa: {finished} of {whole} runs finished; give the command again to go on\n")

    def began(self, run: PlannedRun) -> None:
        """Add a bar."""
        self._tell_left()
        self._working[run.name] = run, self._bars.add_task(run.name, total=run.config.steps, told="")

    def ended(self, outcome: Outcome) -> None:
        """Take the bar away and say how the run ended."""
        self._tell_left()
        run = outcome.run
        self._done += 1
        if run.name in self._working:
            self._bars.remove_task(self._working.pop(run.name)[1])
        seen = self._comparison.progress(run)
        told = f"success {'-' if seen.success is None else format(seen.success, '.2f')}, {seen.seconds:.0f} s"
        told = told if outcome.reason is None else f"failed: {outcome.reason}"
        self._say(f"{self._done}/{len(self._runs)} {run.name}: {told}")
        self._bars.update(self._all, completed=self._done)

    def look(self) -> None:
        """Move the bars, every now and then."""
        self._tell_left()
        if not self._live or time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        for run, bar in self._working.values():
            seen = self._comparison.progress(run)
            told = "scope" if seen.success is None else f"success {seen.success:.2f}"
            self._bars.update(bar, completed=seen.env_steps, told=told)
        left = self._comparison.seconds_left([run for run in self._runs if not self._comparison.progress(run).finished])
        if left is not None:
            self._bars.update(self._all, told=f"{left / max(len(self._working), 1) / 60:.0f} min left")

    def _tell_left(self) -> None:
        """Say how many runs are left, once they can start: what keeps all of them from it stays one line."""
        if not self._told_left:
            self._told_left = True
            self._say(f"isa: {len(self._runs)} of {len(self._comparison.plan.runs)} runs left")

    def _say(self, line: str) -> None:
        if self._live:
            self._bars.console.print(line)
        elif not self._quiet:
            sys.stderr.write(line + "\n")
