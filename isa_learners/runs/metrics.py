"""Metrics of a run: one CSV row per evaluation, the same values to TensorBoard."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isa_learners.algorithms import ALGORITHMS
from isa_learners.config import RunConfig
from isa_learners.learner import LEARNERS
from isa_learners.runs.hooks import Hook

if TYPE_CHECKING:
    from isa_learners.runs.training import Training

RUN_COLUMNS = (
    "env_steps",
    "wall_time_s",
    "phase",
    "success_rate",
    "return_mean",
    "episode_length",
    "train_success_rate",
    "train_return_mean",
    "train_episode_length",
    "train_episodes",
    "train_discarded",
    "reward_mean",
    "steps_per_second",
)
"""Columns of ``metrics.csv`` that every run has; ``docs/metrics.md`` defines each."""


def columns_of(config: RunConfig) -> tuple[str, ...]:
    """Return the columns of a run: every run's, its algorithm's own, its learner's."""
    return (*RUN_COLUMNS, *ALGORITHMS[config.algo].metrics, *LEARNERS[config.learner].metrics)


class CSVMetrics(Hook):
    """Appends a row per evaluation to ``metrics.csv``; rows beyond the checkpoint that is resumed are dropped first."""

    def on_start(self, training: Training) -> None:
        """Write the header, and the rows that stand."""
        self.path, self.columns = training.folder.metrics_file, columns_of(training.config)
        rows = read_metrics(self.path) if training.resumed and self.path.exists() else []
        partial = self.path.with_suffix(".partial")
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(row for row in rows if int(row["env_steps"]) <= training.algorithm.env_steps)
        os.replace(partial, self.path)

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Append a row."""
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns).writerow(row)


class TensorBoard(Hook):
    """Writes the numbers of each evaluation to ``tensorboard/``, where TensorBoard is installed."""

    def on_start(self, training: Training) -> None:
        """Open the files; what lies beyond the checkpoint that is resumed is purged."""
        self._board: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        after = training.algorithm.env_steps if training.resumed else 0
        self._board = SummaryWriter(str(training.folder.path / "tensorboard"), purge_step=after + 1 if after else None)

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Add the row's numbers."""
        if self._board is not None:
            for name, value in row.items():
                if isinstance(value, int | float) and name != "env_steps":
                    self._board.add_scalar(name, value, int(row["env_steps"]))

    def on_end(self, training: Training, summary: Mapping[str, Any] | None) -> None:
        """Close the files."""
        if self._board is not None:
            self._board.close()


def read_metrics(path: Path) -> list[dict[str, str]]:
    """Return the rows of a ``metrics.csv``; a row cut off in writing is left out."""
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        last = _last(reader.fieldnames)
        return [row for row in reader if row.get(last) is not None]


def _last(names: Sequence[str] | None) -> str:
    return names[-1] if names else ""
