"""Metrics of a run: one CSV row an evaluation, the same values to TensorBoard."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

COLUMNS = (
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
    "goals",
    "reward_mean",
    "steps_per_second",
    "policy_loss",
    "value_loss",
    "entropy",
    "approx_kl",
    "clip_share",
    "actor_grad_norm",
    "critic_grad_norm",
)
"""Columns of ``metrics.csv``; ``docs/metrics.md`` defines each."""


class MetricsWriter:
    """Appends rows to ``metrics.csv`` and scalars to ``tensorboard/``.

    Args:
        folder: the run folder.
        after: rows beyond this number of environment steps are dropped first (a resumed run writes them again).
        tensorboard: write TensorBoard's files too, where it is installed.
    """

    def __init__(self, folder: Path, after: int = 0, tensorboard: bool = True) -> None:
        self.path = folder / "metrics.csv"
        rows = [row for row in read_metrics(self.path) if int(row["env_steps"]) <= after] if self.path.exists() else []
        partial = self.path.with_suffix(".partial")
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        os.replace(partial, self.path)
        self._board = _summary_writer(folder / "tensorboard", after) if tensorboard else None

    def __enter__(self) -> MetricsWriter:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._board is not None:
            self._board.close()

    def write(self, row: Mapping[str, Any]) -> None:
        """Append one row."""
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(row)
        if self._board is not None:
            for name, value in row.items():
                if isinstance(value, int | float) and name != "env_steps":
                    self._board.add_scalar(name, value, int(row["env_steps"]))


def _summary_writer(folder: Path, after: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=after + 1 if after else None)


def read_metrics(path: Path) -> list[dict[str, str]]:
    """Return the rows of a ``metrics.csv``; a row cut off in writing is left out."""
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row.get(COLUMNS[-1]) is not None]
