"""``isa check``: check in a few random episodes whether an environment meets the requirements of ISA."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer

from isa_wrappers.border.start import close_env
from isa_wrappers.border.state_features import choose_features
from isa_wrappers.border.success import SuccessCriterion, success_rule
from isa_wrappers.config import ScopeConfig
from isa_wrappers.envs import make_parallel
from isa_wrappers.envs.check import check_env
from isa_wrappers.envs.foreign_errors import foreign_place
from isa_wrappers.errors import ISAError, check_int

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
    parse_features,
    parse_kwargs,
)
from .progress import ProgressReporter

WARNED, REFUSED = 1, 2


def check(
    env: Env,
    episodes: Annotated[int, typer.Option(help="Number of random episodes.", min=1)] = 5,
    seed: Seed = 0,
    kwargs: Kwargs = "{}",
    state_fallback: StateFallback = None,
    state_features: StateFeatures = None,
    state_features_kwargs: FeaturesKwargs = "{}",
    success: Annotated[str, typer.Option(help="Key of infos, or return, that marks an episode as won.")] = "success",
    bin_width: Annotated[
        float, typer.Option(help="Bin width that changes of the state are compared with.")
    ] = ScopeConfig.bin_width,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with code 1 on a warning.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Check whether ENV works with ISA, and say what to change; exit code 2 means that it cannot be used."""
    options = parse_kwargs(kwargs)
    features = choose_features(state_features, parse_features(state_features_kwargs), state_fallback)
    make = partial(make_parallel, env, state_features=features, **options)
    rule = success_rule(success)
    SuccessCriterion(rule)  # a wrong option is an error of the command, not a finding
    check_int("seed", seed, 0)
    _make_once(make)
    with ProgressReporter(lambda: f"checking {env}", quiet):
        report = check_env(make, episodes, seed, state_fallback, rule, bin_width)
    if as_json:
        print_json({"env": env, **report.to_dict()})
    else:
        typer.echo(str(report))
    if report.refused:
        raise typer.Exit(REFUSED)
    if strict and report.warned:
        raise typer.Exit(WARNED)


def _make_once(make: Callable[[], Any]) -> None:
    """Raise errors in the arguments now; errors of the environment's own code become part of the report."""
    try:
        close_env(make())
    except ISAError:
        raise
    except (Exception, SystemExit) as error:
        if foreign_place(error) is None:
            raise
