"""Results in the format of marl-eval, in which all runs of a task have the same steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isa_learners.experiments.plan import Plan
from isa_learners.experiments.table import Row
from isa_learners.runs.curves import Curve
from isa_learners.runs.statistics import Values


def grids_of(plan: Plan) -> dict[str, Values]:
    """Return task -> the multiples of its shortest evaluation interval up to its steps, and the steps themselves."""
    grids = {}
    for task in plan.tasks:
        configs = [run.config for run in plan.runs if run.task == task]
        end, interval = max(config.steps for config in configs), min(config.eval_interval for config in configs)
        grids[task] = np.append(np.arange(interval, end, interval, dtype=np.float64), end)
    return grids


def as_marl_eval(results: Sequence[tuple[Row, Curve]], grids: Mapping[str, Values]) -> dict[str, Any]:
    """Return results for marl-eval: environment -> task -> algorithm -> run -> steps and absolute metrics.

    As marl-eval requires, all runs of a task have the same steps: the points of its grid by which every run had been
    evaluated. At each point a run has the values of its latest evaluation up to then, at the end those of its last
    one. Evaluations whose games all failed are ignored.

    Args:
        results: results and curves of the runs.
        grids: task -> environment steps ``[points]``, the last of which is the end.

    Source: the format documented at github.com/instadeepai/marl-eval.
    """
    data: dict[str, Any] = {}
    known = [_evaluations(curve, grids[row["task"]][-1]) for row, curve in results]
    begin = dict.fromkeys(grids, 0.0)
    for (row, _), (_, steps) in zip(results, known, strict=True):
        begin[row["task"]] = max([begin[row["task"]], *steps[:1]])
    for (row, curve), (indices, steps) in zip(results, known, strict=True):
        family, _, task = row["task"].partition("/")
        runs = data.setdefault(family, {}).setdefault(task or family, {}).setdefault(row["variant"], {})
        grid = grids[row["task"]]
        shared = grid[grid >= begin[row["task"]]] if len(indices) else grid[:0]
        last = np.searchsorted(steps, shared, side="right") - 1
        step_values = {f"step_{n}": _step_values(curve, indices[last[n]], count) for n, count in enumerate(shared)}
        absolute = {"success_rate": [row["success_rate"]], "return": [row["return_mean"]]}
        runs[f"seed_{row['seed']}"] = {**step_values, "absolute_metrics": absolute}
    return data


def _step_values(curve: Curve, index: int, count: float) -> dict[str, Any]:
    """Return the values of an evaluation for ``count`` environment steps."""
    return {
        "step_count": int(count),
        "elapsed_time": float(curve.columns["wall_time_s"][index]),
        "success_rate": [float(curve.columns["success_rate"][index])],
        "return": [float(curve.columns["return_mean"][index])],
    }


def _evaluations(curve: Curve, end: float) -> tuple[Any, Values]:
    """Return the valid evaluations and their steps, limited to the end, which the last rollout may exceed."""
    indices = np.flatnonzero(~np.isnan(curve.columns["success_rate"]))
    return indices, curve.steps[indices].clip(max=end)
