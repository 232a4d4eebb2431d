"""Checks of a plan's runs before any of them starts."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from isa_learners.experiments.plan import Plan, PlannedRun
from isa_learners.experiments.plan_file import PlanError
from isa_learners.runs.checks import check_run
from isa_wrappers.errors import ISAError


def check_runs(plan: Plan, runs: Sequence[PlannedRun]) -> None:
    """Check one run of each variant on each task for errors that only the environment can reveal.

    Args:
        plan: plan of the runs; for a plan from a file, errors name the line.
        runs: runs to check.

    Raises:
        ISAError: for the first problem found.
    """
    for note in plan.evaluation_differences():
        warnings.warn(
            f"{note}; to apply a setting to all variants, put it in set of the plan or the task", stacklevel=2
        )
    for run in {(run.task, run.variant): run for run in runs}.values():
        try:
            check_run(run.config)
        except ISAError as error:
            if plan.file is None or run.assembly is None:
                raise
            place = run.assembly.place_of_error(error, check_run) or ("tasks", run.task)
            raise plan.file.with_line(PlanError(str(error), place)) from error
