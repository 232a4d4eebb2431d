"""``isa scope``: estimate what each agent can influence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from isa_learners.config import DEFAULT_PRESET
from isa_learners.presets import preset_layers
from isa_wrappers.border.state_features import choose_features
from isa_wrappers.config import ScopeConfig
from isa_wrappers.envs import family_of
from isa_wrappers.envs.task_scope import scope_of_task
from isa_wrappers.errors import MissingDependencyError, RunFolderError
from isa_wrappers.fields import DeviceName
from isa_wrappers.scope.explain import explain_scope, explanation_text, explanation_to_dict
from isa_wrappers.scope.files import save_scope, scope_to_dict
from isa_wrappers.scope.plots import plot_scope
from isa_wrappers.scope.tables import scope_table

from .completion import devices, presets
from .json_alone import print_json
from .options import (
    Env,
    FeaturesKwargs,
    Json,
    Kwargs,
    Quiet,
    Seed,
    StateFallback,
    StateFeatures,
    check_place,
    given_options,
    parse_features,
    parse_kwargs,
    writing_to,
)
from .progress import ProgressReporter


def scope(
    env: Env,
    transitions: Annotated[
        int | None,
        typer.Option(help="N, number of transitions: in total if all agents act at once (10,000), else per agent."),
    ] = None,
    delta: Annotated[float | None, typer.Option(help="Threshold of Def. 1; by default that of the estimator.")] = None,
    bin_width: Annotated[float | None, typer.Option(help="Bin width for state changes, for nmi_*.")] = None,
    window: Annotated[int | None, typer.Option(help="Look for effects up to this many steps later (8).")] = None,
    estimator: Annotated[
        str | None, typer.Option(help="Estimator: interval_effect, or the paper's nmi_block and nmi_pooled.")
    ] = None,
    threshold: Annotated[str | None, typer.Option(help="Rule that sets delta; fixed uses --delta.")] = None,
    until_certain: Annotated[
        bool,
        typer.Option("--until-certain", help="Stop once the scope no longer changes; N is then the maximum."),
    ] = False,
    preset: Annotated[
        str, typer.Option(help="Preset for options that are not given, as in isa train.", autocompletion=presets)
    ] = DEFAULT_PRESET,
    seed: Seed = 0,
    kwargs: Kwargs = "{}",
    state_fallback: StateFallback = None,
    state_features: StateFeatures = None,
    state_features_kwargs: FeaturesKwargs = "{}",
    device: Annotated[
        str,
        typer.Option(help="Device of the estimator: cpu (NumPy), cuda, cuda:N or auto.", autocompletion=devices),
    ] = "cpu",
    out: Annotated[
        Path | None, typer.Option(help="Output folder for scope.json, scope.safetensors and scope.png.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Estimate the influence scope of every agent in ENV."""
    if out is not None:
        check_place(out)
        if (out / "scope.json").exists():
            raise RunFolderError(f"{out} already holds a scope; choose another --out")
    options = given_options(
        transitions=transitions,
        delta=delta,
        bin_width=bin_width,
        window=window,
        estimator=estimator,
        threshold=threshold,
        until_certain=until_certain or None,
    )
    values: dict[str, Any] = {}
    for layer in preset_layers(env, preset):
        values |= layer.get("scope", {})
    config = ScopeConfig(**values | options)
    task_options = parse_kwargs(kwargs)
    if DeviceName().check("device", device) != "cpu":
        device = family_of(env).device(device)
    features = choose_features(state_features, parse_features(state_features_kwargs), state_fallback)
    with ProgressReporter(lambda: f"estimating the scope of {env}", quiet):
        settings = seed, state_fallback, features, None if device == "cpu" else device
        estimate = scope_of_task(env, task_options, config, *settings, kept=out is not None or as_json)
    if out is not None:
        with writing_to(out):
            save_scope(estimate, out)
            try:
                plot_scope(estimate, out / "scope.png")
            except MissingDependencyError as error:
                typer.echo(f"isa: no scope.png: {error}", err=True)
    explanation = explain_scope(estimate)
    if as_json:
        print_json({"env": env, **scope_to_dict(estimate), "explanation": explanation_to_dict(explanation)})
        return
    typer.echo(f"{scope_table(estimate)}\n\n{explanation_text(explanation)}")
    if out is not None:
        typer.echo(f"written to {out}")
