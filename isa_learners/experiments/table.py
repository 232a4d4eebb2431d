"""Results as tables with intervals: per task, and over all tasks for what every variant has finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from isa_learners.experiments.folder import Comparison
from isa_learners.runs.statistics import Estimate, estimate, iqm, mean, median, probability_of_improvement

Row = dict[str, Any]
"""Results of a run, by column of ``results.csv``."""
Scores = Mapping[str, Sequence[float]]
"""Task -> values of its seeds."""


def table(comparison: Comparison, rows: Sequence[Row]) -> str:
    """Return results as Markdown: a table per task, and one over all tasks if there are several.

    Success is that of the last checkpoint in greedy episodes, one number per seed; intervals are 95 % bootstrap
    intervals over seeds, stratified by task.
    """
    plan = comparison.plan
    parts = [_table(comparison, [row for row in rows if row["task"] == task], task) for task in plan.tasks]
    if len(plan.tasks) > 1:
        shared_rows = shared(comparison, rows)
        parts.append(_table(comparison, shared_rows, None))
        note = coverage_note(comparison, shared_rows)
        parts += [f"{note}: {_per_task(comparison, shared_rows)}."] if note else []
    parts.append(
        f"Success of the last checkpoint over {plan.episodes} greedy episodes, one number per seed; area: mean success "
        f"of the evaluations over the steps, from the latest first evaluation of the task's runs; steps to 0.9: <= if "
        f"a run reached 0.9 at its first evaluation; medians and means are over runs; 95 % intervals from a "
        f"bootstrap over seeds."
    )
    parts += _late_start_notes(comparison, rows)
    parts += [f"{difference}." for difference in plan.evaluation_differences()]
    parts += _lost_episode_notes(comparison, rows)
    return "\n\n".join(parts) + "\n"


def shared(comparison: Comparison, rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the tasks and seeds that every variant with any row has; for a single task all rows.

    Numbers over several tasks are comparable only if every variant has the same tasks and seeds.
    """
    if len(comparison.plan.tasks) == 1:
        return list(rows)
    variants = {row["variant"] for row in rows}
    variants_of: dict[tuple[str, int], set[str]] = {}
    for row in rows:
        variants_of.setdefault((row["task"], row["seed"]), set()).add(row["variant"])
    return [row for row in rows if variants_of[row["task"], row["seed"]] == variants]


def coverage_note(comparison: Comparison, rows: Sequence[Row]) -> str | None:
    """Return a note on how many tasks and seeds of a plan the :func:`shared` rows cover; ``None`` if they cover all.

    For a single task nothing is left out.
    """
    plan = comparison.plan
    planned = {(run.task, run.seed) for run in plan.runs}
    covered = {(row["task"], row["seed"]) for row in rows}
    if len(plan.tasks) == 1 or covered == planned:
        return None
    return f"Over what every variant has finished, {len(covered)} of {len(planned)} pairs of task and seed"


def scores_of(
    comparison: Comparison, rows: Sequence[Row], variant: str, column: str = "success_rate"
) -> dict[str, list[float]]:
    """Return the values of a variant's seeds for each task that has any."""
    values = {
        task: [row[column] for row in rows if row["variant"] == variant and row["task"] == task]
        for task in comparison.plan.tasks
    }
    return {task: part for task, part in values.items() if part}


def better(scores: Scores, base: Scores) -> Estimate | None:
    """Return the probability that a run beats one of ``base``, over their common tasks; ``None`` if there are none.

    Example:
        >>> print(better({"shooting": [0.5], "unlock": [0.9]}, {"navigation": [0.1], "shooting": [0.5]}))
        0.50 [0.50, 0.50]
    """
    common = [task for task in scores if task in base]
    if not common:
        return None
    return probability_of_improvement([scores[task] for task in common], [base[task] for task in common])


def _table(comparison: Comparison, rows: Sequence[Row], task: str | None) -> str:
    """Return a table of rows with the name of their task as heading; ``None`` for all tasks."""
    plan = comparison.plan
    first = plan.variants[0]
    head = ["variant", "seeds", "success: median", "mean", "IQM [95 %]", "area: IQM [95 %]", "steps to 0.9", "minutes"]
    head.append(f"P(better than {_cell(first)})")
    lines = [f"### {task or 'all tasks'}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    base = _known(scores_of(comparison, rows, first, "area"))
    for variant in plan.variants:
        success = list(scores_of(comparison, rows, variant).values())
        if not success:
            continue
        area = _known(scores_of(comparison, rows, variant, "area"))
        variant_rows = [row for row in rows if row["variant"] == variant]
        improvement = better(area, base) if variant != first else None
        solve = median(np.array([row["steps_to_0.9"] for row in variant_rows]))
        cells = [
            _cell(variant),
            str(len(variant_rows)),
            _number(success, median),
            _number(success, mean),
            str(estimate(success, iqm)),
        ]
        cells.append(str(estimate(list(area.values()), iqm)) if area else "-")
        cells.append("-" if not np.isfinite(solve) or task is None else _steps_text(variant_rows, float(solve)))
        cells.append(f"{np.median([row['wall_time_s'] for row in variant_rows]) / 60:.1f}")
        cells.append(str(improvement) if improvement else "-")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(name: str) -> str:
    return name.replace("|", "\\|")


def _known(scores: Scores) -> dict[str, list[float]]:
    """Omit runs without an evaluation, whose area is NaN, and tasks without other runs."""
    known = {task: [value for value in part if not np.isnan(value)] for task, part in scores.items()}
    return {task: part for task, part in known.items() if part}


def _steps_text(rows: Sequence[Row], steps: float) -> str:
    """Return median steps as text, with ``<=`` if one of the faster runs reached the rate at its first evaluation."""
    quick = [row for row in rows if row["steps_to_0.9"] <= steps]
    first = any(row["steps_to_0.9"] == row["first_evaluation"] for row in quick)
    return f"{'<= ' if first else ''}{steps:,.0f}"


def _late_start_notes(comparison: Comparison, rows: Sequence[Row]) -> list[str]:
    """Return a note for each task whose runs have first evaluations more than an interval apart."""
    notes = []
    for task in comparison.plan.tasks:
        firsts = [row["first_evaluation"] for row in rows if row["task"] == task]
        known = [first for first in firsts if not np.isnan(first)]
        interval = max(run.config.eval_interval for run in comparison.plan.runs if run.task == task)
        if known and max(known) - min(known) > interval:
            notes.append(
                f"On {task} runs were first evaluated after {min(known):,.0f} to {max(known):,.0f} steps: areas "
                f"start at {max(known):,.0f}, and earlier steps are not compared."
            )
    return notes


def _lost_episode_notes(comparison: Comparison, rows: Sequence[Row]) -> list[str]:
    """Return a note on runs with fewer counted final episodes than requested."""
    requested = comparison.plan.episodes
    partial = [f"{row['folder']} ({row['episodes']})" for row in rows if row["episodes"] < requested]
    return (
        [f"Fewer than {requested} final episodes count, as the others were lost with their game: {', '.join(partial)}."]
        if partial
        else []
    )


def _per_task(comparison: Comparison, rows: Sequence[Row]) -> str:
    """Return how many seeds of each task the rows cover."""
    seeds = len({run.seed for run in comparison.plan.runs})
    covered = {(row["task"], row["seed"]) for row in rows}
    return ", ".join(
        f"{task} {sum(covered_task == task for covered_task, _ in covered)} of {seeds}"
        for task in comparison.plan.tasks
    )


def _number(strata: Sequence[Any], statistic: Callable[..., Any]) -> str:
    result: Estimate = estimate(strata, statistic)
    return f"{result.value:.2f}"
