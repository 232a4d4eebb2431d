"""``isa compare``: many runs with one command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isa_wrappers.errors import InvalidValueError

from .comparison import RESOURCES, ComparisonOptions, DryRun, Figures, Jobs, On, Only, Resources, run_comparison
from .completion import tasks, variants
from .options import (
    Json,
    Kwargs,
    Override,
    Quiet,
    given_options,
    need_plots,
    need_training,
    parse_kwargs,
    refuse_contradictions,
)

if TYPE_CHECKING:
    from isa_learners.experiments.plan import Plan


def compare(
    plan: Annotated[Path | None, typer.Argument(help="YAML file with tasks, variants, seeds and steps.")] = None,
    out: Annotated[Path, typer.Option(help="Output folder; finished runs in it are kept.")] = Path("comparison"),
    task: Annotated[
        list[str] | None, typer.Option(help="Task, instead of those of PLAN; can be repeated.", autocompletion=tasks)
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            help="isa, an ablation such as ungated, or an algorithm; can be repeated.", autocompletion=variants
        ),
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds, such as 0-9 or 0,2,5-7.")] = None,
    steps: Annotated[int | None, typer.Option(help="Environment steps of each run.")] = None,
    episodes: Annotated[int | None, typer.Option(help="Greedy evaluation episodes of the last checkpoint.")] = None,
    kwargs: Kwargs = "{}",
    override: Override = None,
    jobs: Jobs = 0,
    on: On = "local",
    resources: Resources = RESOURCES,
    only: Only = None,
    dry_run: DryRun = False,
    figures: Figures = "png",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run tasks x variants x seeds with equal steps; run the command again to continue an interrupted comparison."""
    need_training()
    need_plots()  # for the results
    options = given_options(
        tasks=task,
        variants=variant,
        seeds=seeds,
        steps=steps,
        episodes=episodes,
        kwargs=parse_kwargs(kwargs) or None,
    )
    comparison_plan = read(plan, options, override or [])
    run_comparison(comparison_plan, out, ComparisonOptions(jobs, on, resources, only, dry_run, figures, as_json, quiet))


def read(path: Path | None, options: dict[str, Any], pairs: Sequence[str]) -> Plan:
    """Read a plan; options of the command line override it.

    Raises:
        InvalidValueError: naming the file, the line and the accepted values.
    """
    from isa_learners.experiments.plan import make_plan, read_plan
    from isa_learners.runs.yaml_io import parse_overrides

    overrides = parse_overrides(pairs)
    refuse_contradictions({"env_kwargs": options.get("kwargs") or {}}, overrides)
    plan_overrides = {**options, "set": overrides} if pairs else options
    if path is not None:
        return read_plan(path, plan_overrides)
    if "tasks" not in options:
        raise InvalidValueError("name a plan, or --task such as grid/shooting with --variant, --seeds and --steps")
    return make_plan(plan_overrides)
