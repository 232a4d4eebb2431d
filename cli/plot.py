"""``isa plot``: plot curves of one or more runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isa_wrappers.errors import check_choice

from .options import need_plots, writing_to


def plot(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", metavar="RUN...")],
    out: Annotated[
        Path | None, typer.Option(help="PNG, PDF or SVG file; by default curves.png, for a single run in its folder.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="Label of each RUN, in their order; runs with the same label share a line.")
    ] = None,
    statistic: Annotated[str, typer.Option(help="Statistic over seeds: median, mean or iqm.")] = "median",
) -> None:
    """Plot success rate and return against environment steps; runs that differ only in the seed share a line."""
    need_plots()
    from isa_learners.runs.plots import no_curve, plot_curves, plot_run
    from isa_learners.runs.run_folder import RunFolder
    from isa_learners.runs.statistics import STATISTICS

    check_choice("statistic", statistic, STATISTICS)
    folders = [RunFolder.open(run) for run in runs]
    if out is None and len(folders) == 1 and not label:
        with writing_to(folders[0].path):
            files = plot_run(folders[0])
        if files:
            typer.echo("\n".join(str(file) for file in files))
        if not any(file.name == "curves.png" for file in files):
            raise no_curve(folders[0])
        return
    path = out or Path("curves.png")
    with writing_to(path):
        plot_curves(folders, path, label or (), statistic)
    typer.echo(path)
