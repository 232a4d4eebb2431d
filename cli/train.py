"""``isa train``: train an algorithm in a run folder."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isa_wrappers.errors import InvalidValueError, ISAError

from .completion import algorithms, devices, tasks
from .completion import trackers as known_trackers
from .given import configured, refuse_unnamed
from .options import (
    FeaturesKwargs,
    Kwargs,
    Override,
    Preset,
    Quiet,
    StateFallback,
    StateFeatures,
    Trust,
    given_options,
    need_plots,
    need_training,
    parse_features,
    parse_kwargs,
    refuse_contradictions,
)
from .training_display import TrainingDisplay

if TYPE_CHECKING:
    from isa_learners.config import RunConfig

MAY_CHANGE = ("resume", "steps", "device", "override", "env", "trust", "quiet", "track")
"""Options that ``--resume`` accepts."""
LONGEST_NAME = 100
"""Maximum number of characters of the task's name in the name of the run folder."""


def train(
    context: typer.Context,
    env: Annotated[
        str | None, typer.Argument(help="Task name; not needed with --resume.", metavar="[ENV]", autocompletion=tasks)
    ] = None,
    algo: Annotated[
        str | None,
        typer.Option(help="isa (the default), or another listed by isa algorithms.", autocompletion=algorithms),
    ] = None,
    preset: Preset = None,
    steps: Annotated[int | None, typer.Option(help="Total environment steps.")] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed; 0 by default.", min=0)] = None,
    num_envs: Annotated[int | None, typer.Option(help="Number of parallel environments.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that step them; 0 (the default) uses none.")] = None,
    device: Annotated[
        str | None,
        typer.Option(help="auto (the default), cpu, cuda or cuda:1.", autocompletion=devices),
    ] = None,
    kwargs: Kwargs = "{}",
    state_fallback: StateFallback = None,
    state_features: StateFeatures = None,
    state_features_kwargs: FeaturesKwargs = "{}",
    success: Annotated[str | None, typer.Option(help="Key of infos, or return, that marks an episode as won.")] = None,
    scope: Annotated[Path | None, typer.Option(help="Folder of a scope to use instead of estimating one.")] = None,
    scope_is_free: Annotated[
        bool, typer.Option("--scope-is-free", help="Do not count the steps used to estimate the scope of --scope.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default a new one under runs/.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with configuration keys.")] = None,
    override: Override = None,
    stop_when_solved: Annotated[
        bool, typer.Option("--stop-when-solved", help="Stop after three evaluations in a row at 0.9 or better.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(help="Run folder to resume; --steps, --device and --set can change settings."),
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(help="Also log the run to wandb or mlflow; can be repeated.", autocompletion=known_trackers),
    ] = None,
    trust: Trust = False,
    quiet: Quiet = False,
) -> None:
    """Train on ENV: estimate the scope, explore, then reach goals."""
    need_training()
    need_plots()  # for curves.png at the end
    from isa_learners.runs.run_folder import RunFolder
    from isa_learners.runs.trackers import make_trackers
    from isa_learners.runs.yaml_io import parse_overrides

    trackers = make_trackers(track or [])
    if resume is not None:
        _refuse_changes(context)
        changes, overrides = given_options(steps=steps, device=device), parse_overrides(override or [])
        refuse_contradictions(changes, overrides)
        _run(RunFolder.open(resume, env, trust), True, trackers, overrides | changes, quiet)
        return
    if env is None:
        raise InvalidValueError("name a task to train on, such as grid/shooting, or --resume a run folder")
    if trust:
        raise InvalidValueError("--trust is only for --resume: a new run's environment is named on the command line")
    # Only the given options: otherwise their defaults would override a configuration file.
    given = given_options(
        algo=algo,
        seed=seed,
        device=device,
        steps=steps,
        stop_when_solved=stop_when_solved or None,
        state_fallback=state_fallback,
        state_features=state_features,
        state_features_kwargs=parse_features(state_features_kwargs) or None,
        success=success,
        workers=workers,
        scope_folder=None if scope is None else str(scope),
        scope_is_free=scope_is_free or None,
        env_kwargs=parse_kwargs(kwargs) or None,
    )
    from isa_learners.runs.checks import check_run
    from isa_learners.runs.config_io import make_config

    chosen, layers = configured(env, preset, config, given, override or [], num_envs)
    resolved = make_config(env, chosen, *layers)
    refuse_unnamed(config, resolved.imports, override or [])
    _refuse_idle_scope(resolved, scope, scope_is_free)
    check_run(resolved)
    _run(RunFolder.create(out or _new_folder(resolved), resolved), False, trackers, quiet=quiet)


def _new_folder(config: RunConfig) -> Path:
    """Return a run folder named for the run and the time."""
    task = config.env.replace("/", "-").replace(":", "-")
    task = task[-LONGEST_NAME:]  # file systems limit the length of names
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return Path("runs") / f"{task}-{config.algo}-{config.preset}-seed{config.seed}-{stamp}"


def _refuse_idle_scope(config: RunConfig, scope: Path | None, is_free: bool) -> None:
    """Refuse scope options that would have no effect.

    Raises:
        InvalidValueError: naming the option.
    """
    from isa_learners.runs.scopes import needs_estimate

    if scope is not None and not needs_estimate(config):
        raise InvalidValueError(
            f"--scope needs a run that estimates a scope, but algorithm {config.algo!r} uses none with these settings, "
            f"got {scope}"
        )
    if is_free and config.scope_folder is None:
        raise InvalidValueError("--scope-is-free needs --scope FOLDER; give it, or leave --scope-is-free out")


def _refuse_changes(context: typer.Context) -> None:
    """Refuse options that a resumed run would ignore.

    Raises:
        InvalidValueError: naming the first one.
    """
    for name, value in context.params.items():
        source = context.get_parameter_source(name)
        if name not in MAY_CHANGE and source is not None and source.name == "COMMANDLINE":
            raise InvalidValueError(
                "--resume takes all settings except --steps, --device and --set from its run folder; leave out "
                f"{name.replace('_', '-')}, got {str(value) if isinstance(value, Path) else value!r}"
            )


def _run(
    folder: Any,
    resume: bool,
    trackers: list[Any],
    changes: dict[str, Any] | None = None,
    quiet: bool = False,
) -> None:
    from isa_learners.runs.changes import changed_config
    from isa_learners.runs.plots import plot_run
    from isa_learners.runs.signals import Interrupted
    from isa_learners.runs.training import Training
    from isa_wrappers.batch.wrapper import starts_afresh

    config = changed_config(folder.config(), changes) if changes else folder.config()
    with TrainingDisplay(folder.path, config.steps, quiet) as display:
        try:
            training = Training(folder, resume=resume, hooks=[display, *trackers], changes=changes)
        except ISAError:
            if not resume:
                folder.take_back()
            raise
        env = training.algorithm.phase.collector.env
        if resume and not quiet and folder.newest_checkpoint() is not None and starts_afresh(env):
            display.write_line(f"isa: {config.env} cannot save its state, so its episodes start from the beginning")
        named = [training.config.env] if ":" in training.config.env else []
        named += ["--trust"] if training.config.imports else []
        again = f"resume with: {shlex.join(['isa', 'train', *named, '--resume', str(folder.path)])}"
        try:
            summary = training.run()
        except Interrupted as stopped:
            display.write_line(f"stopped; {again}")
            raise typer.Exit(128 + stopped.signal) from None
        except Exception as error:
            saved = "the progress is saved, " if training.algorithm.visits.seen else ""
            if training.kept and isinstance(error, ISAError):
                error.args = (f"{error}; {saved}{again}",)
            elif training.kept:
                display.write_line(f"stopped by {type(error).__name__}; {saved}{again}")
            raise
        plot_run(folder, anew=False)
    display.finish(summary, training.config.eval_interval)
