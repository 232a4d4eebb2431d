"""``isa envs``: what can be run here."""

from __future__ import annotations

import json

import typer

from isa_wrappers.envs import TASKS

from .options import Json


def envs(as_json: Json = False) -> None:
    """List the tasks that can be run here."""
    if as_json:
        typer.echo(json.dumps({"envs": [{"name": name, "description": text} for name, text in TASKS.items()]}))
        return
    for name, text in TASKS.items():
        typer.echo(f"{name:<18} {text}")
    typer.echo(f"{'package.module:factory':<18} a function of yours that returns a PettingZoo ParallelEnv")
