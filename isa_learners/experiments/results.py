"""What came out of a comparison: one row per run, marl-eval's JSON, a table with intervals, figures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isa_learners.config import SOLVED_RATE
from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.one_run import read_final
from isa_learners.experiments.plan import PlannedRun
from isa_learners.runs.curves import Curve, Group, read_curve
from isa_learners.runs.plots import draw_curves, draw_profiles
from isa_learners.runs.run_folder import RunFolder, versions
from isa_learners.runs.statistics import Estimate, estimate, iqm, mean, median, probability_of_improvement
from isa_wrappers.files import write_text
from isa_wrappers.plain import read_json

LAST = 3
"""Evaluations whose mean is a seed's other number."""
Row = dict[str, Any]


def result_of(comparison: Comparison, run: PlannedRun) -> tuple[Row, Curve] | None:
    """Return a finished run's numbers and its curve; ``None`` where it is not finished."""
    path = comparison.path(run)
    final = read_final(path, comparison.plan.episodes)
    if final is None or not (path / "summary.json").exists():
        return None
    summary = read_json((path / "summary.json").read_bytes())
    curve = read_curve(RunFolder.open(path))
    row = {
        "task": run.task,
        "variant": run.variant,
        "seed": run.seed,
        "success_rate": final["success_rate"],
        "return_mean": final["return_mean"],
        "last_evaluations": float(curve.columns["success_rate"][-LAST:].mean()) if len(curve.steps) else float("nan"),
        "area": area_under(curve, run.config.steps),
        "steps_to_solve": steps_to(curve, SOLVED_RATE),
        "steps_to_first_win": (summary.get("first_success") or {}).get("env_steps", float("inf")),
        "env_steps": summary["env_steps"],
        "wall_time_s": summary["wall_time_s"],
        "folder": run.name,
    }
    return row, curve


def area_under(curve: Curve, steps: float) -> float:
    """Return the mean greedy success rate over a run's environment steps, 0 before the first evaluation.

    Example:
        >>> half = {"env_steps": np.array([50.0, 100.0]), "success_rate": np.array([1.0, 1.0])}
        >>> area_under(Curve("task", "", {}, half, ()), 100)
        0.75
    """
    if not len(curve.steps):
        return 0.0
    x = np.concatenate([[0.0], curve.steps.clip(max=steps), [steps]])
    y = np.concatenate([[0.0], curve.columns["success_rate"], curve.columns["success_rate"][-1:]])
    return float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum() / steps)


def steps_to(curve: Curve, rate: float) -> float:
    """Return the environment steps of the first evaluation at ``rate`` or better; infinity where there is none."""
    reached = np.flatnonzero(curve.columns["success_rate"] >= rate)
    return float(curve.steps[reached[0]]) if len(reached) else float("inf")


def write_results(comparison: Comparison, endings: Sequence[str] = (".png",)) -> tuple[list[Row], list[Path]]:
    """Write ``results.csv``, ``results.json``, ``results.md``, ``curves`` and ``profile`` of what is finished.

    Returns:
        The numbers of every finished run, and the files.

    Raises:
        CannotWriteError: if the disk is full or the folder gone.
    """
    found = [pair for run in comparison.plan.runs if (pair := result_of(comparison, run)) is not None]
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
        scores = {name: scores_of(comparison, rows, name) for name in comparison.plan.variants}
        whole = {name: strata for name, strata in scores.items() if strata}
        for ending in endings:
            files.append(draw_curves(drawn, root / f"curves{ending}", "iqm"))
            files.append(draw_profiles(whole, root / f"profile{ending}"))
    return rows, files


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

    Source: the layout that github.com/instadeepai/marl-eval documents.
    """
    data: dict[str, Any] = {}
    for row, curve in found:
        family, _, task = row["task"].partition("/")
        runs = data.setdefault(family, {}).setdefault(task or family, {}).setdefault(row["variant"], {})
        steps = {
            f"step_{index}": {
                "step_count": int(curve.steps[index]),
                "elapsed_time": float(curve.columns["wall_time_s"][index]),
                "success_rate": [float(curve.columns["success_rate"][index])],
                "return": [float(curve.columns["return_mean"][index])],
            }
            for index in range(len(curve.steps))
        }
        absolute = {"success_rate": [row["success_rate"]], "return": [row["return_mean"]]}
        runs[f"seed_{row['seed']}"] = {**steps, "absolute_metrics": absolute}
    return data


def scores_of(
    comparison: Comparison, rows: Sequence[Row], variant: str, column: str = "success_rate"
) -> list[list[float]]:
    """Return for each task the values of a variant's seeds; tasks without any are left out."""
    values = [
        [row[column] for row in rows if row["variant"] == variant and row["task"] == task]
        for task in comparison.plan.tasks
    ]
    return [part for part in values if part]


def table(comparison: Comparison, rows: Sequence[Row]) -> str:
    """Return results as Markdown: a table per task, and one over all tasks where there are several.

    Success is that of the last checkpoint in greedy episodes, one number per seed; intervals are 95 % bootstraps over
    seeds, stratified by task.
    """
    plan = comparison.plan
    parts = [_task_table(comparison, rows, task) for task in plan.tasks]
    if len(plan.tasks) > 1:
        parts.append(_task_table(comparison, rows, None))
    note = (
        f"Success of the last checkpoint over {plan.episodes} greedy episodes, one number per seed; area: mean success "
        f"of the evaluations over the steps; 95 % intervals from a bootstrap over seeds."
    )
    return "\n\n".join([*parts, note]) + "\n"


def _task_table(comparison: Comparison, rows: Sequence[Row], task: str | None) -> str:
    plan = comparison.plan
    first = plan.variants[0]
    here = [row for row in rows if task in (None, row["task"])]
    head = ["variant", "seeds", "success: median", "mean", "IQM [95 %]", "area: IQM [95 %]", "steps to 0.9", "minutes"]
    head.append(f"P(better than {first})")
    lines = [f"### {task or 'all tasks'}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    base = scores_of(comparison, here, first, "area")
    for variant in plan.variants:
        success = scores_of(comparison, here, variant)
        if not success:
            continue
        area = scores_of(comparison, here, variant, "area")
        mine = [row for row in here if row["variant"] == variant]
        better = probability_of_improvement(area, base) if variant != first and len(area) == len(base) else None
        solve = median(np.array([row["steps_to_solve"] for row in mine]))
        cells = [variant, str(len(mine)), _number(success, median), _number(success, mean), str(estimate(success, iqm))]
        cells += [str(estimate(area, iqm)), "-" if not np.isfinite(solve) or task is None else f"{float(solve):,.0f}"]
        cells += [f"{np.median([row['wall_time_s'] for row in mine]) / 60:.1f}", str(better) if better else "-"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(strata: Sequence[Any], statistic: Callable[..., Any]) -> str:
    found: Estimate = estimate(strata, statistic)
    return f"{found.value:.2f}"
