"""Progress of training: in a terminal two live lines that fit 60 columns, and a line per phase and evaluation."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from isa_learners.runs.hooks import Hook

from .progress import ProgressReporter

if TYPE_CHECKING:
    from isa_learners.runs.training import Training
    from isa_wrappers.scope.influence import InfluenceScope

WIDE = 100
"""Minimum number of columns for showing time and rate in the line of an evaluation."""
REFRESH = 0.25
"""Seconds between two updates of the statistics."""

LOST_AT_THE_END = "all episodes of the last evaluation were lost because their games failed"


class TrainingDisplay(Hook):
    """Shows a run's progress on stderr.

    Args:
        folder: run folder, printed at the end.
        total: total environment steps.
        quiet: show only the result at the end.
    """

    def __init__(self, folder: Path, total: int, quiet: bool = False) -> None:
        self.folder = folder
        self.total = total
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._live = self._console.is_terminal and not quiet
        self._at = "starting"
        self._status: dict[str, str] = {}
        self._last_refresh = 0.0
        self._reporter = ProgressReporter(self._progress_text, quiet)
        self._bar = Progress(
            TextColumn("{task.fields[phase]}", style="bold", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[steps]}  {task.fields[rate]}/s"),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            console=self._console,
            expand=True,
        )
        self._lines = Live(get_renderable=self._drawn, console=self._console, refresh_per_second=4)
        self._task: TaskID | None = None

    def __enter__(self) -> TrainingDisplay:
        if self._live:
            self._lines.start()
        self._reporter.__enter__()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._reporter.__exit__(kind, error, trace)
        if self._live:
            self._lines.stop()

    def _drawn(self) -> Group:
        status_line = "  ".join(f"{name} {value}" for name, value in self._status.items())
        return Group(self._bar, Text(status_line, no_wrap=True, overflow="ellipsis"))

    def _progress_text(self) -> str:
        return ", ".join([self._at, *(f"{name} {value}" for name, value in self._status.items())])

    def on_start(self, training: Training) -> None:
        """Print a summary of the scope; for a resumed run, restore the last evaluation."""
        if training.algorithm.scope is not None:
            self.say(f"scope: {scope_line(training.algorithm.scope)}")
        if training.progress.last:
            self._evaluated(training, training.progress.last)

    def on_phase(self, training: Training, phase: str, env_steps: int) -> None:
        """Print that a phase begins."""
        self._at = f"phase {phase}, {env_steps:,} of {self.total:,} steps"
        self.say(f"phase {phase} from step {env_steps:,}")
        if self._task is None:
            self._task = self._bar.add_task("train", total=self.total, phase=phase, rate="-", steps="")
        self._move(env_steps, phase=phase)

    def on_scope(self, training: Training, env_steps: int) -> None:
        """Update the bar while the scope is estimated from random play."""
        self._at = f"phase scope, {env_steps:,} of {self.total:,} steps"
        self._move(env_steps)

    def on_iteration(self, training: Training, values: Mapping[str, Any]) -> None:
        """Update the bar, the progress of the phase and the success rate of training episodes."""
        done, rate = values["env_steps"], values["steps_per_second"]
        phase = training.algorithm.phase
        self._at = f"phase {phase.name}, {done:,} of {self.total:,} steps, {rate:,.0f} steps/s"
        self._move(done, rate=short(rate))
        if time.monotonic() - self._last_refresh < REFRESH:
            return
        self._last_refresh = time.monotonic()
        head: dict[str, str] = {}
        if phase.spec.progress is not None:
            label, count, needed = phase.spec.progress(phase.context)
            head[label] = f"{count:,} of {needed:,}"
        head |= {name: short(values[name]) for name in training.algorithm.spec.metrics if name not in head}
        episodes = phase.statistics.so_far()
        if episodes["episodes"]:
            head["training"] = f"{episodes['success_rate']:.2f}"
        elif "training" in self._status:
            head["training"] = self._status["training"]
        self._status = head | {name: self._status[name] for name in ("success", "best") if name in self._status}

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Print the evaluation."""
        self._evaluated(training, row)
        line = (
            f"{row['env_steps']:>9,}  {row['phase']:<7} success {row['success_rate']:.2f}  "
            f"return {short(row['return_mean'])}  length {short(row['episode_length'])}"
        )
        if self._console.width >= WIDE:
            line += f"  {row['wall_time_s']:,.1f} s  {row['steps_per_second']:,.0f} steps/s"
        self.say(line)

    def _evaluated(self, training: Training, row: Mapping[str, Any]) -> None:
        best = max(training.progress.best, row["success_rate"])  # NaN keeps the previous best
        self._status |= {"success": f"{row['success_rate']:.2f}", "best": f"{best:.2f}" if best >= 0.0 else "-"}

    def _move(self, done: int, **fields: Any) -> None:
        if self._task is not None:
            steps = f"{short(done)}/{short(self.total)}"
            self._bar.update(self._task, completed=min(done, self.total), steps=steps, **fields)

    def say(self, line: str) -> None:
        """In a terminal, print a line above the bar."""
        if self._live:
            self._lines.console.print(line)

    def write_line(self, line: str) -> None:
        """Print a line, in a terminal or not."""
        sys.stderr.write(line + "\n")

    def finish(self, summary: dict[str, Any], eval_interval: int) -> None:
        """Print the result and the run folder."""
        solved, rate = summary["solved"], summary["success_rate"]
        if solved:
            verdict = f"solved at {solved['env_steps']:,} steps, {solved['wall_time_s']:.1f} s"
        else:
            verdict = f"not solved in {summary['env_steps']:,} steps, {summary['wall_time_s']:.1f} s"
        if rate is None and summary.get("evaluated_at") is None:
            verdict = f"ended after {summary['env_steps']:,} steps, {summary['wall_time_s']:.1f} s"
            result = f"never evaluated (eval_interval is {eval_interval:,}), so there is no success rate and no curves"
        else:
            result = LOST_AT_THE_END if rate is None else f"success rate {rate:.2f}"
        self.write_line(f"{summary['env']}: {verdict}; {result}")
        print(self.folder)


def short(number: float) -> str:
    """Format a number with three digits.

    Example:
        >>> [short(number) for number in (7, 0.125, 999, 80_840, 400_000, 2_100_000, -12_345)]
        ['7', '0.125', '999', '80.8k', '400k', '2.1M', '-12.3k']
    """
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def scope_line(scope: InfluenceScope) -> str:
    """Summarise a scope in one line.

    Example:
        >>> from isa_wrappers import InfluenceScope
        >>> scope_line(InfluenceScope.from_dimensions({"a": [[], [0]], "b": [[], [0, 1]]}, state_size=3))
        '2 of 3 dimensions moved: 1 common, 0 to 1 special each'
    """
    counts = [len(dims) for dims in scope.special_dims]
    special = f"{min(counts)} to {max(counts)}" if min(counts) != max(counts) else f"{counts[0]}"
    moved = int(scope.agent_mask.any(axis=0).sum())
    common = len(scope.common_dims)
    return f"{moved} of {scope.state_size} dimensions moved: {common} common, {special} special each"
