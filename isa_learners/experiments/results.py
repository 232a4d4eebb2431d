"""Results of a comparison: a row per run, and figures; see also ``table`` and ``marl_eval``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from isa_learners.config import SOLVED_RATE
from isa_learners.experiments.ending import Summary, read_end
from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.local import Outcome
from isa_learners.experiments.marl_eval import as_marl_eval, grids_of
from isa_learners.experiments.plan import PlannedRun
from isa_learners.experiments.table import Row, coverage_note, scores_of, shared, table
from isa_learners.runs.curves import Curve, Group, read_curve
from isa_learners.runs.plots import draw_curves, draw_profiles
from isa_learners.runs.run_folder import RunFolder, versions
from isa_learners.runs.statistics import Values
from isa_wrappers.errors import FileFormatError
from isa_wrappers.files import write_text

LAST = 3
"""Number of last evaluations that are averaged."""


def result_of(comparison: Comparison, run: PlannedRun) -> tuple[Row, Curve] | None:
    """Return the results of a finished run, except for its area, and its curve; ``None`` if it is not finished.

    Raises:
        FileFormatError: if its metrics are damaged beyond repair.
    """
    path = comparison.path(run)
    end_files = read_end(path, run.config, comparison.plan.episodes)
    if end_files is None:
        return None
    summary, final = end_files
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
        "first_evaluation": first_evaluation(curve),
        "area": None,  # set by fill_areas, over a window shared by all runs of the task
        "steps_to_0.9": steps_to(curve, SOLVED_RATE),
        "steps_to_solve": (summary.solved or {}).get("env_steps", float("inf")),
        "steps_to_first_win": (summary.first_success or {}).get("env_steps", float("inf")),
        "env_steps": summary.env_steps,
        "wall_time_s": summary.wall_time_s,
        "folder": run.name,
    }
    return row, curve


def _check_whole(folder: RunFolder, curve: Curve, summary: Summary) -> None:
    """Check that the last row of the metrics is the last evaluation of the summary."""
    expected, last = summary.evaluated_at, curve.columns.get("env_steps", np.zeros(0))[-1:]
    if expected is not None and (not len(last) or last[0] < expected):
        raise FileFormatError(
            f"{folder.metrics_file} has lost its last rows: {folder.summary_file.name} names an evaluation after "
            f"{expected:,} steps, but its last row is {f'at {last[0]:,.0f}' if len(last) else 'missing'}; remove the "
            "run's folder to run it again"
        )


def evaluated(curve: Curve) -> tuple[Values, Values]:
    """Return steps and greedy success rates of the evaluations with at least one finished episode."""
    rates = curve.columns["success_rate"]
    known = ~np.isnan(rates)
    return curve.steps[known], rates[known]


def first_evaluation(curve: Curve) -> float:
    """Return the environment steps of the first evaluation; NaN if there is none."""
    steps, _ = evaluated(curve)
    return float(steps[0]) if len(steps) else float("nan")


def area_under(curve: Curve, since: float, until: float) -> float:
    """Return the mean greedy success rate between two numbers of environment steps, by linear interpolation.

    After its last evaluation a run keeps the last value. The result is NaN if the run had no evaluation by ``since``,
    and the rate at ``since`` if ``until`` is not after ``since``.

    Example:
        >>> rising = {"env_steps": np.array([50.0, 100.0]), "success_rate": np.array([0.0, 1.0])}
        >>> area_under(Curve("task", "", {}, rising, ()), 50, 150)
        0.75
    """
    steps, _ = evaluated(curve)
    x = np.array([since, *steps[(steps > since) & (steps < until)], max(since, until)])
    y = curve.at(x, "success_rate")
    if x[-1] == since:
        return float(y[0])
    area = float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum() / (x[-1] - since))
    return round(area, 12)  # rounded, so that equal curves are ties


def fill_areas(results: Sequence[tuple[Row, Curve]], steps: Mapping[str, float]) -> None:
    """Set the areas of runs: on each task from the latest first evaluation of any run to the end of each run.

    A separate start for each run would favour runs that are first evaluated later.

    Args:
        results: results and curves of the runs.
        steps: configured steps of each run, by folder.
    """
    firsts: dict[str, list[float]] = {}
    for row, _ in results:
        firsts.setdefault(row["task"], []).append(row["first_evaluation"])
    for row, curve in results:
        since = max((first for first in firsts[row["task"]] if not np.isnan(first)), default=0.0)
        row["area"] = area_under(curve, since, steps[row["folder"]])


def steps_to(curve: Curve, rate: float) -> float:
    """Return the environment steps of the first evaluation at ``rate`` or better; infinity if there is none.

    Rates are compared in float32, as older versions wrote metrics in float32.
    """
    reached = np.flatnonzero(curve.columns["success_rate"].astype(np.float32) >= np.float32(rate))
    return float(curve.steps[reached[0]]) if len(reached) else float("inf")


def write_results(
    comparison: Comparison, endings: Sequence[str] = (".png",), failed: Callable[[Outcome], None] | None = None
) -> tuple[list[Row], list[Path]]:
    """Write ``results.csv``, ``results.json``, ``results.md``, ``curves`` and ``profile`` for the finished runs.

    Args:
        comparison: the comparison.
        endings: file name extensions of the figures.
        failed: called for each run whose files cannot be read; the results then omit it.

    Returns:
        The results of every finished run, and the files.

    Raises:
        FileFormatError: if a run's files cannot be read and ``failed`` is ``None``.
        CannotWriteError: if the disk is full or the folder is gone.
    """
    results = _collect(comparison, failed)
    root, rows = comparison.root, [row for row, _ in results]
    files = []
    for name, text in (
        ("results.csv", as_csv(rows)),
        ("results.json", json.dumps(as_marl_eval(results, grids_of(comparison.plan)), indent=1) + "\n"),
        ("results.md", table(comparison, rows)),
        ("versions.json", json.dumps(versions(), indent=2) + "\n"),
    ):
        write_text(root / name, text)
        files.append(root / name)
    if results:
        groups: dict[tuple[str, str], list[Curve]] = {}
        for row, curve in results:
            groups.setdefault((row["variant"], row["task"]), []).append(curve)
        drawn = [Group(variant, task, tuple(curves)) for (variant, task), curves in groups.items()]
        shared_rows = shared(comparison, rows)
        scores = {name: list(scores_of(comparison, shared_rows, name).values()) for name in comparison.plan.variants}
        strata_by_name = {name: strata for name, strata in scores.items() if strata}
        for ending in endings:
            files.append(draw_curves(drawn, root / f"curves{ending}", "iqm"))
            files.append(
                draw_profiles(strata_by_name, root / f"profile{ending}", note=coverage_note(comparison, shared_rows))
            )
    return rows, files


def _collect(comparison: Comparison, failed: Callable[[Outcome], None] | None) -> list[tuple[Row, Curve]]:
    results = []
    for run in comparison.plan.runs:
        try:
            result = result_of(comparison, run)
        except FileFormatError as error:
            if failed is None:
                raise
            failed(Outcome.failed(run, error))
        else:
            results += [] if result is None else [result]
    fill_areas(results, {run.name: run.config.steps for run in comparison.plan.runs})
    return results


def as_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV with a header."""
    text = io.StringIO(newline="")
    names = list(rows[0]) if rows else ["task", "variant", "seed"]
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
