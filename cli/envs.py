"""``isa envs``: list the available tasks."""

from __future__ import annotations

import typer

from isa_wrappers.envs import available_tasks
from isa_wrappers.envs.own import FAMILY as OWN
from isa_wrappers.envs.registry import missing_families, task_source
from isa_wrappers.registry import BUILT_IN

from .json_alone import print_json
from .options import Json


def envs(as_json: Json = False) -> None:
    """List the available tasks, and what to install for the others."""
    tasks = available_tasks()
    if as_json:
        listed = [{"name": name, "description": text, "source": task_source(name)} for name, text in tasks.items()]
        print_json({"envs": listed})
        return
    for name, text in tasks.items():
        source = task_source(name)
        typer.echo(_line(name, text if source == BUILT_IN else f"{text} (from {source})"))
    for prefix, text in missing_families().items():
        typer.echo(_line(f"{prefix}/NAME", text))
    typer.echo(_line(OWN.prefix, OWN.description))


def _line(name: str, text: str) -> str:
    return f"{name:<32} {text}"
