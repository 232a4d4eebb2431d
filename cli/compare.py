"""``isa compare``: many runs, one command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isa_wrappers.errors import InvalidValueError, shown

from .options import Json, Kwargs, Override, need_training, parse_kwargs, parse_resources, writing_to

if TYPE_CHECKING:
    from isa_learners.experiments.folder import Comparison
    from isa_learners.experiments.local import Outcome
    from isa_learners.experiments.plan import Plan, PlannedRun

FAILED = 1
OUT = Path("comparison")


def compare(
    plan: Annotated[Path | None, typer.Argument(help="YAML file with tasks, variants, seeds, steps.")] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the comparison; what is finished in it is not run again.")
    ] = Path("comparison"),
    task: Annotated[list[str] | None, typer.Option(help="A task, instead of PLAN's; may come several times.")] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="isa, an ablation such as ungated, or an algorithm; several times.")
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="Such as 0-9 or 0,2,5-7.")] = None,
    steps: Annotated[int | None, typer.Option(help="Environment steps of every run.")] = None,
    episodes: Annotated[int | None, typer.Option(help="Greedy episodes of the last checkpoint.")] = None,
    kwargs: Kwargs = "{}",
    override: Override = None,
    jobs: Annotated[int, typer.Option(help="Processes at a time, of one thread each; 0 takes all cores.", min=0)] = 0,
    on: Annotated[str, typer.Option(help="local, ray (started here) or ray:ADDRESS.")] = "local",
    resources: Annotated[
        str, typer.Option(help="Of a run on Ray, as JSON such as '{\"num_cpus\": 1}'.")
    ] = '{"num_cpus": 1}',
    only: Annotated[int | None, typer.Option(help="The K-th run alone, as --dry-run numbers them.", min=0)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what is left, and how long it may take.")] = False,
    figures: Annotated[str, typer.Option("--figures", help="Formats of the figures, such as png,pdf.")] = "png",
    as_json: Json = False,
) -> None:
    """Run tasks x variants x seeds at equal steps; give the command again to go on where it stopped."""
    need_training()
    from isa_learners.experiments.folder import Comparison
    from isa_learners.experiments.results import write_results
    from isa_learners.runs.plots import FORMATS

    endings = [f".{name.strip().lower()}" for name in figures.split(",")]
    if unknown := [ending for ending in endings if ending not in FORMATS]:
        known = ", ".join(name[1:] for name in FORMATS)
        raise InvalidValueError(f"--figures takes {known}, got {shown(unknown[0][1:])}")
    options: dict[str, Any] = {"tasks": task, "variants": variant, "seeds": seeds, "steps": steps, "episodes": episodes}
    options["kwargs"] = parse_kwargs(kwargs) or None
    made = read(plan, {key: value for key, value in options.items() if value is not None}, override or [])
    comparison = Comparison(made, out)
    comparison.check()
    left = comparison.left()
    chosen = left if only is None else [run for run in left if run.index == _known(only, made).index]
    if dry_run:
        _list(comparison, chosen, as_json)
        return
    check_tasks(chosen)
    comparison.check_room(chosen)
    outcomes = _run(comparison, chosen, jobs, on, parse_resources(resources))
    failed = [outcome for outcome in outcomes if outcome.reason is not None]
    if only is None:
        with writing_to(out):
            files = write_results(comparison, endings)
        _tell(comparison, files, failed, as_json)
    if failed:
        raise typer.Exit(FAILED)


def read(path: Path | None, options: dict[str, Any], pairs: Sequence[str]) -> Plan:
    """Read a plan, with what the command line says over it.

    Raises:
        InvalidValueError: naming file, line and what would be accepted.
    """
    from isa_learners.experiments.plan import make_plan, read_plan
    from isa_learners.runs.yaml_io import parse_overrides, read_config_file

    if path is not None and not options and not pairs:
        return read_plan(path)
    data = {} if path is None else read_config_file(path)
    if path is None and "tasks" not in options:
        raise InvalidValueError("name a plan, or --task such as grid/shooting with --variant, --seeds and --steps")
    settings = {**(data.get("set") or {}), **parse_overrides(pairs)}
    return make_plan({**data, **options, **({"set": settings} if settings else {})})


def check_tasks(runs: Sequence[PlannedRun]) -> None:
    """Meet mistakes that only the environments can tell, before anything starts.

    Raises:
        ISAError: naming the run.
    """
    from isa_learners.runs.checks import check_run

    for run in {(run.task, run.variant): run for run in runs}.values():
        check_run(run.config)


def _known(index: int, plan: Plan) -> PlannedRun:
    if index >= len(plan.runs):
        raise InvalidValueError(f"--only takes a run's number from 0 to {len(plan.runs) - 1}, got {index}")
    return plan.runs[index]


def _run(
    comparison: Comparison, runs: Sequence[PlannedRun], jobs: int, on: str, resources: dict[str, Any]
) -> list[Outcome]:
    from .compare_display import ComparisonDisplay

    where, _, address = on.partition(":")
    if where not in ("local", "ray") or (where == "local" and address):
        raise InvalidValueError(f"--on takes local, ray or ray:ADDRESS, got {shown(on)}")
    with ComparisonDisplay(comparison, runs) as display:
        if where == "ray":
            from isa_learners.experiments.on_ray import run_on_ray

            return run_on_ray(comparison, runs, address or None, resources, display.ended, display.look)
        from isa_learners.experiments.local import cores, run_here

        return run_here(comparison, runs, jobs or cores(), display.began, display.ended, display.look)


def _list(comparison: Comparison, runs: Sequence[PlannedRun], as_json: bool) -> None:
    seconds = comparison.seconds_left(runs)
    if as_json:
        left = [{"index": run.index, "task": run.task, "variant": run.variant, "seed": run.seed} for run in runs]
        typer.echo(json.dumps({"runs": len(comparison.plan.runs), "left": left, "seconds": seconds}))
        return
    for run in runs:
        begun = "resumes" if comparison.progress(run).begun else "new"
        typer.echo(f"{run.index:>5}  {run.task}  {run.variant}  seed {run.seed}  {run.config.steps:,} steps  {begun}")
    told = (
        "no estimate before a run has been evaluated" if seconds is None else f"{seconds / 60:,.1f} minutes of one core"
    )
    typer.echo(f"{len(runs)} of {len(comparison.plan.runs)} runs left; {told}")


def _tell(comparison: Comparison, files: Sequence[Path], failed: Sequence[Outcome], as_json: bool) -> None:
    if as_json:
        from isa_learners.experiments.results import rows_of

        reasons = {outcome.run.name: outcome.reason for outcome in failed}
        typer.echo(json.dumps({"results": rows_of(comparison), "failed": reasons, "files": [str(f) for f in files]}))
        return
    typer.echo((comparison.root / "results.md").read_text())
    for outcome in failed:
        typer.echo(f"failed: {outcome.run.name}: {outcome.reason}", err=True)
    typer.echo("\n".join(str(file) for file in files))
