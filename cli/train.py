"""``isa train``: Algorithm 1 (or the learner alone) in a run folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from isa_wrappers.errors import InvalidValueError, ISAError

from .options import Kwargs, StateFallback, need_training, parse_kwargs
from .progress import TrainingDisplay


def train(
    context: typer.Context,
    env: Annotated[str | None, typer.Argument(help="Task name; not needed with --resume.", metavar="[ENV]")] = None,
    algo: Annotated[str | None, typer.Option(help="isa (the default) or ippo.")] = None,
    preset: Annotated[str | None, typer.Option(help="fast (the default) or paper.")] = None,
    steps: Annotated[int | None, typer.Option(help="Environment steps in all.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything; 0 by default.", min=0)] = None,
    num_envs: Annotated[int | None, typer.Option(help="Environments stepped together.")] = None,
    device: Annotated[str | None, typer.Option(help="auto (the default), cpu or cuda.")] = None,
    kwargs: Kwargs = "{}",
    state_fallback: StateFallback = None,
    success: Annotated[str | None, typer.Option(help="Key of infos, or return, that tells a won episode.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; a new one under runs/ by default.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of configuration keys.")] = None,
    override: Annotated[list[str] | None, typer.Option("--set", help="Any key, such as ppo.lr=1e-3.")] = None,
    stop_when_solved: Annotated[
        bool, typer.Option("--stop-when-solved", help="End after three evaluations in a row at 0.9 or better.")
    ] = False,
    resume: Annotated[Path | None, typer.Option(help="Run folder to go on with; only --steps may change.")] = None,
) -> None:
    """Train on ENV: estimate the scope, explore, reach goals."""
    need_training()
    from isa_learners.runs.run_folder import RunFolder

    if resume is not None:
        _refuse_changes(context)
        folder = RunFolder.open(resume)
        if steps is not None:
            folder.change_config(steps=steps)
        _run(folder, resume=True)
        return
    if env is None:
        raise InvalidValueError("name a task to train on, such as grid/shooting, or --resume a run folder")
    from isa_learners.config import DEFAULT_PRESET
    from isa_learners.runs.config_io import make_config, parse_overrides, read_config_file

    # Only what was given: a configuration file's values hold where the command line says nothing.
    said = {"algo": algo, "seed": seed, "device": device, "steps": steps, "stop_when_solved": stop_when_solved or None}
    said |= {"state_fallback": state_fallback, "success": success}
    given: dict[str, Any] = {key: value for key, value in said.items() if value is not None}
    if num_envs is not None:
        given["ppo"] = {"num_envs": num_envs}
    if options := parse_kwargs(kwargs):
        given["env_kwargs"] = options
    from_file = read_config_file(config) if config is not None else {}
    preset = preset or from_file.get("preset", DEFAULT_PRESET)
    overrides = parse_overrides(override or [])
    for key, instead in (("env", "the argument ENV"), ("preset", "--preset")):
        if key in overrides:
            raise InvalidValueError(f"--set cannot change {key}, got {overrides[key]!r}; use {instead}")
    resolved = make_config(env, preset, {**from_file, "env": env, "preset": preset}, given, overrides)
    _check(resolved)
    task = env.replace("/", "-").replace(":", "-")
    name = f"{task}-{resolved.algo}-{preset}-seed{resolved.seed}-{time.strftime('%Y%m%d-%H%M%S')}"
    _run(RunFolder.create(out or Path("runs") / name, resolved), resume=False)


def _refuse_changes(context: typer.Context) -> None:
    """Refuse what a resumed run would not follow.

    Raises:
        InvalidValueError: naming the first.
    """
    for name, value in context.params.items():
        source = context.get_parameter_source(name)
        if name not in ("resume", "steps") and source is not None and source.name == "COMMANDLINE":
            raise InvalidValueError(
                f"--resume takes all but --steps from its run folder; leave out {name.replace('_', '-')}, got {value!r}"
            )


def _check(config: Any) -> None:
    """Meet mistakes before a folder is made."""
    from isa_learners.runs.algorithm import resolve_device, scope_steps
    from isa_wrappers.envs import make_batch

    device = resolve_device(config.device, config.env)
    env = make_batch(config.env, 1, device, config.state_fallback, **config.env_kwargs)
    if config.steps <= (needed := scope_steps(config, len(env.agents))):
        raise InvalidValueError(
            f"steps must be more than {needed:,}: the scope of {len(env.agents)} agents takes as many, with "
            f"scope.transitions at {config.scope.transitions:,}; got {config.steps:,}"
        )


def _run(folder: Any, resume: bool) -> None:
    from isa_learners.runs.plots import plot_run
    from isa_learners.runs.training import Interrupted, Training

    with TrainingDisplay(folder.path, folder.config().steps) as display:
        try:
            training = Training(folder, resume=resume, report=display.report)
        except ISAError:
            if not resume:
                folder.take_back()
            raise
        try:
            summary = training.run()
        except Interrupted:
            display.last_word(f"stopped; go on with: isa train --resume {folder.path}")
            raise typer.Exit(130) from None
        plot_run(folder)
    display.finish(summary)
