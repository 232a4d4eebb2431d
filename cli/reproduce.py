"""``isa reproduce``: the comparisons behind the paper's figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .comparison import RESOURCES, ComparisonOptions, DryRun, Figures, Jobs, On, Only, Resources, run_comparison
from .completion import figures as known_figures
from .json_alone import print_json
from .options import Json, Quiet, need_plots, need_training


def reproduce(
    figure: Annotated[
        str | None, typer.Argument(help="Name of a figure; omit it to list all.", autocompletion=known_figures)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; by default reproduce/FIGURE.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Run two seeds with a quarter of the steps, as a preview only.")
    ] = False,
    jobs: Jobs = 0,
    on: On = "local",
    resources: Resources = RESOURCES,
    only: Only = None,
    dry_run: DryRun = False,
    figures: Figures = "png",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the comparison that reproduces one of the paper's figures."""
    need_training()
    need_plots()  # for the results
    from isa_learners.experiments.plan import make_plan
    from isa_learners.experiments.reproduce import figure_plan
    from isa_learners.experiments.reproduce import figures as known

    if figure is None:
        if as_json:
            print_json(known())
        else:
            width = max(map(len, known()))
            typer.echo("\n".join(f"{name:<{width}}  {about}" for name, about in known().items()))
        return
    plan = make_plan(figure_plan(figure, quick))
    if quick:
        typer.echo(
            f"isa: {figure} --quick is a preview with two seeds and a quarter of the steps, not a result", err=True
        )
    place = out or Path("reproduce") / (f"{figure}-quick" if quick else figure)
    run_comparison(plan, place, ComparisonOptions(jobs, on, resources, only, dry_run, figures, as_json, quiet))
