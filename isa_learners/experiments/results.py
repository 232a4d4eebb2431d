"""What came out of a comparison: one row per run, marl-eval's JSON, figures; the table is ``table``'s."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isa_learners.config import SOLVED_RATE
from isa_learners.experiments.ending import Summary, read_end
from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.local import Outcome
from isa_learners.experiments.plan import PlannedRun
from isa_learners.experiments.table import Row, left_out, scores_of, shared, table
from isa_learners.runs.curves import Curve, Group, read_curve
from isa_learners.runs.plots import draw_curves, draw_profiles
from isa_learners.runs.run_folder import RunFolder, versions
from isa_learners.runs.statistics import Values
from isa_wrappers.errors import FileFormatError
from isa_wrappers.files import write_text

LAST = 3
"""Evaluations whose mean is a seed's other number."""


def result_of(comparison: Comparison, run: PlannedRun) -> tuple[Row, Curve] | None:
    """Return a finished run's numbers and its curve; ``None`` where it is not finished.

    Raises:
        FileFormatError: if its metrics are damaged beyond repair.
    """
    path = comparison.path(run)
    end = read_end(path, run.config, comparison.plan.episodes)
    if end is None:
        return None
    summary, final = end
    folder = RunFolder.open(path)
    curve = read_curve(folder)
    _check_whole(folder, curve, summary)
    row = {
        "task": run.task,
        "variant": run.variant,
        "seed": run.seed,
        "success_rate": final.success_rate,
        "return_mean": final.return_mean,
        "episodes": final.counted,
        "last_evaluations": float(evaluated(curve)[1][-LAST:].mean()) if len(evaluated(curve)[1]) else float("nan"),
        "area": area_under(curve, run.config.steps),
        "steps_to_0.9": steps_to(curve, SOLVED_RATE),
        "steps_to_solve": (summary.solved or {}).get("env_steps", float("inf")),
        "steps_to_first_win": (summary.first_success or {}).get("env_steps", float("inf")),
        "env_steps": summary.env_steps,
        "wall_time_s": summary.wall_time_s,
        "folder": run.name,
    }
    return row, curve


def _check_whole(folder: RunFolder, curve: Curve, summary: Summary) -> None:
    """Check that the last evaluation that the summary tells of is the last row of the metrics."""
    told, last = summary.evaluated_at, curve.columns.get("env_steps", np.zeros(0))[-1:]
    if told is not None and (not len(last) or last[0] < told):
        raise FileFormatError(
            f"{folder.metrics_file} has lost its last rows: {folder.summary_file.name} tells of an evaluation after "
            f"{told:,} steps, its last row of {f'{last[0]:,.0f}' if len(last) else 'none'}; take the run's folder away "
            "to have it run again"
        )


def evaluated(curve: Curve) -> tuple[Values, Values]:
    """Return steps and greedy success rates of the evaluations in which any episode was played to its end."""
    rates = curve.columns["success_rate"]
    known = ~np.isnan(rates)
    return curve.steps[known], rates[known]


def area_under(curve: Curve, steps: float) -> float:
    """Return the mean greedy success rate over a run's environment steps, 0 before the first evaluation.

    NaN where there is none.

    Example:
        >>> half = {"env_steps": np.array([50.0, 100.0]), "success_rate": np.array([1.0, 1.0])}
        >>> area_under(Curve("task", "", {}, half, ()), 100)
        0.5
    """
    at, rates = evaluated(curve)
    if not len(at):
        return float("nan")
    x = np.append(at.clip(max=steps), steps)
    y = np.append(rates, rates[-1])
    return float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum() / steps)


def steps_to(curve: Curve, rate: float) -> float:
    """Return the environment steps of the first evaluation at ``rate`` or better; infinity where there is none.

    Rates are compared in float32, in which metrics were written before.
    """
    reached = np.flatnonzero(curve.columns["success_rate"].astype(np.float32) >= np.float32(rate))
    return float(curve.steps[reached[0]]) if len(reached) else float("inf")


def write_results(
    comparison: Comparison, endings: Sequence[str] = (".png",), failed: Callable[[Outcome], None] | None = None
) -> tuple[list[Row], list[Path]]:
    """Write ``results.csv``, ``results.json``, ``results.md``, ``curves`` and ``profile`` of what is finished.

    Args:
        comparison: whose results they are.
        endings: of the figures.
        failed: told of each run whose files cannot be read; the results are then those of the others.

    Returns:
        The numbers of every finished run, and the files.

    Raises:
        FileFormatError: if a run's files cannot be read and nobody is told.
        CannotWriteError: if the disk is full or the folder gone.
    """
    found = _found(comparison, failed)
    root, rows = comparison.root, [row for row, _ in found]
    files = []
    for name, text in (
        ("results.csv", as_csv(rows)),
        ("results.json", json.dumps(as_marl_eval(found), indent=1) + "\n"),
        ("results.md", table(comparison, rows)),
        ("versions.json", json.dumps(versions(), indent=2) + "\n"),
    ):
        write_text(root / name, text)
        files.append(root / name)
    if found:
        groups: dict[tuple[str, str], list[Curve]] = {}
        for row, curve in found:
            groups.setdefault((row["variant"], row["task"]), []).append(curve)
        drawn = [Group(variant, task, tuple(curves)) for (variant, task), curves in groups.items()]
        alike = shared(comparison, rows)
        scores = {name: list(scores_of(comparison, alike, name).values()) for name in comparison.plan.variants}
        whole = {name: strata for name, strata in scores.items() if strata}
        for ending in endings:
            files.append(draw_curves(drawn, root / f"curves{ending}", "iqm"))
            files.append(draw_profiles(whole, root / f"profile{ending}", note=left_out(comparison, alike)))
    return rows, files


def _found(comparison: Comparison, failed: Callable[[Outcome], None] | None) -> list[tuple[Row, Curve]]:
    found = []
    for run in comparison.plan.runs:
        try:
            result = result_of(comparison, run)
        except FileFormatError as error:
            if failed is None:
                raise
            failed(Outcome.failed(run, error))
        else:
            found += [] if result is None else [result]
    return found


def as_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV with a header."""
    text = io.StringIO(newline="")
    names = list(rows[0]) if rows else ["task", "variant", "seed"]
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_marl_eval(found: Sequence[tuple[Row, Curve]]) -> dict[str, Any]:
    """Return results as marl-eval reads them: environment -> task -> algorithm -> run -> steps and absolute metrics.

    All runs of a task have the same steps, as it asks: those of the run that ends latest, from where every run was
    evaluated. Each has what its last evaluation until then said; one whose games were all lost says nothing.

    Source: the layout that github.com/instadeepai/marl-eval documents.
    """
    data: dict[str, Any] = {}
    grids = _grids(found)
    for row, curve in found:
        family, _, task = row["task"].partition("/")
        runs = data.setdefault(family, {}).setdefault(task or family, {}).setdefault(row["variant"], {})
        grid, known = grids[row["task"]], _known(curve)
        at = known[np.searchsorted(curve.steps[known], grid, side="right") - 1] if len(known) else known
        steps = {
            f"step_{number}": {
                "step_count": int(count),
                "elapsed_time": float(curve.columns["wall_time_s"][index]),
                "success_rate": [float(curve.columns["success_rate"][index])],
                "return": [float(curve.columns["return_mean"][index])],
            }
            for number, (count, index) in enumerate(zip(grid, at, strict=False))
        }
        absolute = {"success_rate": [row["success_rate"]], "return": [row["return_mean"]]}
        runs[f"seed_{row['seed']}"] = {**steps, "absolute_metrics": absolute}
    return data


def _known(curve: Curve) -> Any:
    return np.flatnonzero(~np.isnan(curve.columns["success_rate"]))


def _grids(found: Sequence[tuple[Row, Curve]]) -> dict[str, Any]:
    """Return task -> the environment steps that all its runs are told at: those of the run that ends latest.

    What has ended by then keeps its last values.
    """
    evaluated: dict[str, list[Any]] = {}
    for row, curve in found:
        if len(known := _known(curve)):
            evaluated.setdefault(row["task"], []).append(curve.steps[known])
    grids = {row["task"]: np.zeros(0) for row, _ in found}
    for task, steps in evaluated.items():
        latest = max(steps, key=lambda one: (one[-1], len(one)))
        grids[task] = latest[latest >= max(one[0] for one in steps)]
    return grids
