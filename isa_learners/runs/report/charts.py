"""Charts of a report: metrics over environment steps, as medians over seeds with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isa_learners.runs.curves import Group, phase_end
from isa_learners.runs.plots import step_grid
from isa_learners.runs.statistics import bands, median

COLUMNS = {
    "success_rate": "success rate, greedy",
    "train_success_rate": "success rate during training",
    "return_mean": "return",
    "episode_length": "episode length",
    "goals": "goals in the buffer",
    "entropy": "entropy",
    "policy_loss": "policy loss",
    "value_loss": "value loss",
    "td_loss": "TD loss",
}
"""Columns of ``metrics.csv`` that are drawn if a run has them."""
MOST_POINTS = 150
"""Maximum number of points of a line; several lines in a chart share four times as many."""


def charts_of(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Return a chart per column with the median over seeds and its interval for every group."""
    charts, max_points = [], max(25, min(MOST_POINTS, 4 * MOST_POINTS // len(groups)))
    for column, title in COLUMNS.items():
        rows = [row for group in groups for row in _rows(group, column, max_points)]
        if rows:
            charts.append({"column": column, "title": title, "rows": rows, "changes": _changes(groups)})
    return charts


def _rows(group: Group, column: str, max_points: int) -> list[dict[str, Any]]:
    runs = [run for run in group.runs if run.knows(column)]
    if not runs:
        return []
    grid = step_grid(runs, max_points)
    values = np.stack([run.at(grid, column) for run in runs])
    points = zip(grid.tolist(), *(_shortened(band) for band in bands(values, median)), strict=True)
    return [
        {"runs": _group_label(group), "steps": steps, "value": middle, "low": low, "high": high}
        for steps, middle, low, high in points
        if np.isfinite(middle)
    ]


def _group_label(group: Group) -> str:
    return f"{group.name} (n={sum(run.knows('success_rate') for run in group.runs)})"


def _shortened(values: Any) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]


def _changes(groups: Sequence[Group]) -> list[dict[str, Any]]:
    phase_ends = [(group, phase_end([run for run in group.runs if len(run.steps)] or group.runs)) for group in groups]
    return [{"runs": _group_label(group), "steps": steps} for group, steps in phase_ends if np.isfinite(steps)]
