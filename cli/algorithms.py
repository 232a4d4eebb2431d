"""``isa algorithms``: list the available algorithms."""

from __future__ import annotations

import typer

from isa_wrappers.errors import ISAError
from isa_wrappers.registry import BUILT_IN

from .json_alone import print_json
from .options import Json


def algorithms(as_json: Json = False) -> None:
    """List the available algorithms and the packages that provide them."""
    from isa_learners.algorithms import ALGORITHMS

    rows = []
    for name in ALGORITHMS:
        try:
            spec = ALGORITHMS[name]
        except ISAError as error:  # two packages with the same name: report it and list the rest
            typer.echo(f"isa: {error}", err=True)
            continue
        about = {"description": spec.description, "learner": spec.learner, "phases": list(spec.phase_names)}
        rows.append({"name": name, **about, "source": ALGORITHMS.source(name)})
    if as_json:
        print_json({"algorithms": rows})
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        source = "" if row["source"] == BUILT_IN else f" (package {row['source']})"
        typer.echo(f"{row['name']:<{width}}  {row['description']}{source}")
