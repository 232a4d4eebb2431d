"""Options and execution shared by ``isa compare`` and ``isa reproduce``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isa_wrappers.errors import InvalidValueError, shown

from .json_alone import print_json
from .options import check_place, parse_resources, writing_to

if TYPE_CHECKING:
    from isa_learners.experiments.folder import Comparison
    from isa_learners.experiments.local import Outcome
    from isa_learners.experiments.plan import Plan, PlannedRun

FAILED = 1
RESOURCES = '{"num_cpus": 1}'

Jobs = Annotated[int, typer.Option(help="Parallel processes of one thread each; 0 uses all cores.", min=0)]
On = Annotated[str, typer.Option(help="Where to run: local, ray (a new local cluster) or ray:ADDRESS.")]
Resources = Annotated[str, typer.Option(help="Resources of each run on Ray, as JSON.")]
Only = Annotated[int | None, typer.Option(help="Run only the run with this number, as listed by --dry-run.", min=0)]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check the plan, list the remaining runs and estimate their duration.")
]
Figures = Annotated[str, typer.Option("--figures", help="File formats of the figures, such as png,pdf.")]


@dataclass(frozen=True)
class ComparisonOptions:
    """How to run a comparison: the options of the same names."""

    jobs: int
    on: str
    resources: str
    only: int | None
    dry_run: bool
    figures: str
    as_json: bool
    quiet: bool = False


def run_comparison(plan: Plan, out: Path, options: ComparisonOptions) -> None:
    """Complete the remaining runs of a plan and write its results, or only list those runs.

    Raises:
        ISAError: for an invalid plan or option, before anything starts.
        typer.Exit: with code 1 if a run failed.
    """
    from isa_learners.experiments.folder import Comparison
    from isa_learners.experiments.plan_checks import check_runs
    from isa_learners.experiments.results import write_results

    endings, resources = _formats(options.figures), parse_resources(options.resources)
    _check_backend(options.on)
    only = None if options.only is None else _check_index(options.only, plan)
    check_place(out)
    comparison = Comparison(plan, out)
    comparison.check()
    left = comparison.left()
    chosen = left if only is None else [run for run in left if run.index == only]
    check_runs(plan, chosen)
    comparison.check_room(chosen)
    if options.dry_run:
        _print_remaining(comparison, chosen, options.as_json)
        return
    outcomes = _run(comparison, chosen, options, resources)
    failed = [outcome for outcome in outcomes if outcome.reason is not None]
    if options.only is None:
        with writing_to(out / "results.csv"):
            rows, files = write_results(comparison, endings, failed.append)
        _print_results(comparison, rows, files, failed, options.as_json)
    elif options.as_json:  # results need the whole comparison
        print_json({"results": [], "failed": _reasons(failed), "files": []})
    if failed:
        raise typer.Exit(FAILED)


def _formats(text: str) -> list[str]:
    from isa_learners.runs.plots import FORMATS

    endings = [f".{name.strip().lower()}" for name in text.split(",")]
    if unknown := [ending for ending in endings if ending not in FORMATS]:
        known = ", ".join(name[1:] for name in FORMATS)
        raise InvalidValueError(f"--figures takes {known}, got {shown(unknown[0][1:])}")
    return endings


def _check_backend(on: str) -> None:
    backend, _, address = on.partition(":")
    if backend not in ("local", "ray") or (backend == "local" and address):
        raise InvalidValueError(f"--on takes local, ray or ray:ADDRESS, got {shown(on)}")


def _check_index(index: int, plan: Plan) -> int:
    if index >= len(plan.runs):
        raise InvalidValueError(f"--only takes a run's number from 0 to {len(plan.runs) - 1}, got {index}")
    return index


def _run(
    comparison: Comparison, runs: Sequence[PlannedRun], options: ComparisonOptions, resources: dict[str, Any]
) -> list[Outcome]:
    from .compare_display import ComparisonDisplay

    backend, _, address = options.on.partition(":")
    with ComparisonDisplay(comparison, runs, options.quiet) as display:
        if backend == "ray":
            from isa_learners.experiments.on_ray import run_on_ray

            return run_on_ray(comparison, runs, address or None, resources, display.ended, display.refresh)
        from isa_learners.experiments.local import cores, run_here

        return run_here(comparison, runs, options.jobs or cores(), display.began, display.ended, display.refresh)


def _print_remaining(comparison: Comparison, runs: Sequence[PlannedRun], as_json: bool) -> None:
    seconds = comparison.seconds_left(runs)
    if as_json:
        left = [{"index": run.index, "task": run.task, "variant": run.variant, "seed": run.seed} for run in runs]
        print_json({"runs": len(comparison.plan.runs), "left": left, "seconds": seconds})
        return
    for run in runs:
        state = "resumes" if comparison.progress(run).started else "new"
        typer.echo(f"{run.index:>5}  {run.task}  {run.variant}  seed {run.seed}  {run.config.steps:,} steps  {state}")
    remaining = "no estimate before the first evaluation"
    if not runs:
        remaining = "run the command without --dry-run to get the results"
    elif seconds is not None:
        remaining = f"{seconds / 60:,.1f} minutes on one core"
    typer.echo(f"{len(runs)} of {len(comparison.plan.runs)} runs left; {remaining}")


def _print_results(
    comparison: Comparison,
    rows: Sequence[dict[str, Any]],
    files: Sequence[Path],
    failed: Sequence[Outcome],
    as_json: bool,
) -> None:
    if as_json:
        print_json({"results": rows, "failed": _reasons(failed), "files": [str(f) for f in files]})
        return
    typer.echo((comparison.root / "results.md").read_text())
    for outcome in failed:
        typer.echo(f"failed: {outcome.run.name}: {outcome.reason}", err=True)
    typer.echo("\n".join(str(file) for file in files))


def _reasons(failed: Sequence[Outcome]) -> dict[str, str | None]:
    return {outcome.run.name: outcome.reason for outcome in failed}
