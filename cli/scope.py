"""``isa scope``: estimate what each agent can influence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from isa_wrappers.config import ScopeConfig
from isa_wrappers.envs import estimate_task_scope
from isa_wrappers.errors import MissingDependencyError, RunFolderError
from isa_wrappers.scope_io import plot_scope, save_scope, scope_table, scope_to_dict

from .options import Env, Json, Kwargs, Seed, StateFallback, parse_kwargs, writing_to

_DEFAULTS = ScopeConfig()


def scope(
    env: Env,
    transitions: Annotated[int, typer.Option(help="N, transitions an agent.")] = _DEFAULTS.transitions,
    delta: Annotated[float, typer.Option(help="Threshold on the normalised mutual information.")] = _DEFAULTS.delta,
    bin_width: Annotated[float, typer.Option(help="Width of the bins of a state change.")] = _DEFAULTS.bin_width,
    window: Annotated[int, typer.Option(help="Look for effects up to this many steps later.")] = _DEFAULTS.window,
    conditioning: Annotated[str, typer.Option(help="block (Def. 1) or pooled.")] = _DEFAULTS.conditioning,
    seed: Seed = 0,
    kwargs: Kwargs = "{}",
    state_fallback: StateFallback = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scope.json, scope.safetensors and scope.png.")] = None,
    as_json: Json = False,
) -> None:
    """Estimate the influence scope of every agent in ENV."""
    if out is not None and (out / "scope.json").exists():
        raise RunFolderError(f"{out} already holds a scope; choose another --out")
    config = ScopeConfig(transitions, delta, bin_width, window, conditioning)
    found = estimate_task_scope(env, config, seed, state_fallback, **parse_kwargs(kwargs))
    if out is not None:
        with writing_to(out):
            save_scope(found, out)
            try:
                plot_scope(found, out / "scope.png")
            except MissingDependencyError as error:
                typer.echo(f"isa: no scope.png: {error}", err=True)
    if as_json:
        typer.echo(json.dumps({"env": env, **scope_to_dict(found)}))
        return
    typer.echo(scope_table(found))
    if out is not None:
        typer.echo(f"written to {out}")
