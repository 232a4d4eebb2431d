"""How training looks: in a terminal a live line with phase and rates, and a line per evaluation.

Elsewhere a line once a minute says that it lives.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from isa_learners.runs.hooks import Hook

if TYPE_CHECKING:
    from isa_learners.runs.training import Training


EVERY = 60.0
"""Seconds between two signs of life."""


class LifeSigns:
    """Off a terminal, says on stderr once a minute how far a command is, whatever the command is busy with.

    Args:
        how_far: tells it.
        quiet: say nothing.
    """

    def __init__(self, how_far: Callable[[], str], quiet: bool = False) -> None:
        self._how_far = how_far
        self._over = threading.Event()
        silent = quiet or sys.stderr is None or sys.stderr.isatty()
        self._thread = None if silent else threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> LifeSigns:
        self._began = time.monotonic()
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(EVERY):
            minutes = (time.monotonic() - self._began) / 60
            sys.stderr.write(f"isa: {self._how_far()}, {minutes:.0f} min\n")
            sys.stderr.flush()


class TrainingDisplay(Hook):
    """Shows a run's progress on stderr.

    Args:
        folder: of the run, named at the end.
        total: environment steps to go to.
        quiet: show nothing but the end.
    """

    def __init__(self, folder: Path, total: int, quiet: bool = False) -> None:
        self.folder = folder
        self.total = total
        self._console = Console(stderr=True, highlight=False)
        self._live = self._console.is_terminal and not quiet
        self._at = "starting"
        self._signs = LifeSigns(lambda: self._at, quiet)
        self._bar = Progress(
            TextColumn("[bold]{task.fields[phase]:<8}"),
            BarColumn(),
            TextColumn("{task.completed:>9,.0f}/{task.total:,.0f} steps  {task.fields[rate]:>7,.0f}/s"),
            TextColumn("success {task.fields[success]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._live,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> TrainingDisplay:
        self._bar.start()
        self._signs.__enter__()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._signs.__exit__(kind, error, trace)
        self._bar.stop()

    def on_phase(self, training: Training, phase: str, env_steps: int) -> None:
        """Say that a phase begins."""
        self._at = f"phase {phase}, {env_steps:,} of {self.total:,} steps"
        self.say(f"phase {phase} from step {env_steps:,}")
        if self._task is None:
            self._task = self._bar.add_task("train", total=self.total, phase=phase, rate=0.0, success="-")
        self._bar.update(self._task, completed=env_steps, phase=phase)

    def on_iteration(self, training: Training, values: Mapping[str, Any]) -> None:
        """Move the bar."""
        done, rate = values["env_steps"], values["steps_per_second"]
        self._at = f"phase {values['phase']}, {done:,} of {self.total:,} steps, {rate:,.0f} steps/s"
        if self._task is not None:
            self._bar.update(self._task, completed=done, rate=rate)

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Print what came out."""
        if self._task is not None:
            self._bar.update(self._task, success=f"{row['success_rate']:.2f}")
        self.say(
            f"{row['env_steps']:>9,} steps  {row['wall_time_s']:7.1f} s  {row['phase']:<8} "
            f"success {row['success_rate']:.2f}  return {row['return_mean']:.2f}  "
            f"length {row['episode_length']:.0f}  {row['steps_per_second']:,.0f} steps/s"
        )

    def say(self, line: str) -> None:
        """Print a line above the bar, in a terminal."""
        if self._live:
            self._bar.console.print(line)

    def last_word(self, line: str) -> None:
        """Print a line anywhere."""
        sys.stderr.write(line + "\n")

    def finish(self, summary: dict[str, Any]) -> None:
        """Print what came out, and where it lies."""
        solved = summary["solved"]
        if solved:
            verdict = f"solved at {solved['env_steps']:,} steps, {solved['wall_time_s']:.1f} s"
        else:
            verdict = f"not solved in {summary['env_steps']:,} steps, {summary['wall_time_s']:.1f} s"
        rate = summary["success_rate"]
        self.last_word(f"{summary['env']}: {verdict}; success rate {'-' if rate is None else format(rate, '.2f')}")
        print(self.folder)
