"""``isa report``: write a report of one or more runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .json_alone import print_json
from .options import Json, RunEnvs, Trust, need_plots, need_training, writing_to


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", metavar="RUN...")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Output file, which must end in .html.")] = Path(
        "report.html"
    ),
    env: RunEnvs = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Write a report of runs as one self-contained HTML file: verdict, curves, scope, replay, goals, configuration."""
    need_training("report")
    need_plots("report")
    from isa_learners.runs.report.page import write_report
    from isa_learners.runs.run_folder import open_runs

    with writing_to(out):
        written = write_report(open_runs(runs, env or (), trust), out)
    if as_json:
        print_json(asdict(written))
        return
    for note in written.notes:
        typer.echo(f"isa: {note}", err=True)
    typer.echo(f"written to {written.path} ({written.bytes / 1e6:.2f} MB)")
