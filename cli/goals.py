"""``isa goals``: list the won states of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .json_alone import print_json
from .options import Json, need_training


def goals(
    run: Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")],
    most: Annotated[int, typer.Option(help="Maximum number of rows.", min=1)] = 20,
    best: Annotated[bool, typer.Option("--best", help="Use the best checkpoint instead of the latest.")] = False,
    as_json: Json = False,
) -> None:
    """List the goal buffer of RUN: the won states in the dimensions that agents pursue."""
    need_training()
    from isa_learners.runs.goals import won_states
    from isa_learners.runs.run_folder import RunFolder

    won = won_states(RunFolder.open(run), best)
    if as_json:
        contents = {"goals": won.states.tolist(), "state_names": list(won.names), "pursued": list(won.pursued)}
        print_json({"run": str(run), **contents})
        return
    different = won.different()
    typer.echo(
        f"{len(won.states)} goals, {len(different)} different in the {len(won.pursued)} of {len(won.names)} dimensions "
        "that agents pursue"
    )
    if not different:
        return
    table = Table("times", *(escape(won.names[k]) for k in won.pursued), box=None, pad_edge=False)
    for count, goal in different[:most]:
        table.add_row(str(count), *(f"{value:.6g}" for value in goal))
    Console(width=None if Console().is_terminal else 20 + 24 * len(won.pursued)).print(table)
    if len(different) > most:
        typer.echo(f"and {len(different) - most} more; --most {len(different)} shows all, --json includes repeats")
