"""``isa envs``: what can be run here."""

from __future__ import annotations

import json

import typer

from isa_wrappers.envs import available_tasks
from isa_wrappers.envs.smac.install import smac_missing

from .options import Json


def envs(as_json: Json = False) -> None:
    """List the tasks that can be run here."""
    if as_json:
        typer.echo(
            json.dumps({"envs": [{"name": name, "description": text} for name, text in available_tasks().items()]})
        )
        return
    for name, text in available_tasks().items():
        typer.echo(f"{name:<32} {text}")
    if not any(name.startswith("mpe/") for name in available_tasks()):
        typer.echo(f"{'mpe/NAME':<32} particle environments; needs mpe2: pip install 'isa-marl[mpe]'")
    if not any(name.startswith("smax/") for name in available_tasks()):
        typer.echo(f"{'smax/NAME':<32} SMAC's battles without the game; needs jaxmarl: pip install 'isa-marl[smax]'")
    if missing := smac_missing():
        typer.echo(f"{'smac/NAME':<32} SMAC's battles in StarCraft II; {missing.removeprefix('smac/NAME ')}")
    typer.echo(f"{'package.module:factory':<32} a function of yours that returns a PettingZoo ParallelEnv")
