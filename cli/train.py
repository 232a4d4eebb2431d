"""``isa train``: Algorithm 1 (or the learner alone) in a run folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from isa_wrappers.errors import InvalidValueError

from .options import Device, Kwargs, Seed, need_training, parse_kwargs
from .progress import TrainingDisplay


def train(
    env: Annotated[str | None, typer.Argument(help="Task name; not needed with --resume.", metavar="[ENV]")] = None,
    algo: Annotated[str, typer.Option(help="isa or ippo.")] = "isa",
    preset: Annotated[str, typer.Option(help="fast or paper.")] = "fast",
    steps: Annotated[int | None, typer.Option(help="Environment steps in all.")] = None,
    seed: Seed = 0,
    num_envs: Annotated[int | None, typer.Option(help="Environments stepped together.")] = None,
    device: Device = "auto",
    kwargs: Kwargs = "{}",
    out: Annotated[Path | None, typer.Option(help="Run folder; a new one under runs/ by default.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of configuration keys.")] = None,
    override: Annotated[list[str] | None, typer.Option("--set", help="Any key, such as ppo.lr=1e-3.")] = None,
    stop_when_solved: Annotated[
        bool, typer.Option("--stop-when-solved", help="End after three evaluations in a row at 0.9 or better.")
    ] = False,
    resume: Annotated[Path | None, typer.Option(help="Run folder to go on with; other options are ignored.")] = None,
) -> None:
    """Train on ENV: estimate the scope, explore, reach goals."""
    need_training()
    from isa_learners.run_folder import RunFolder

    if resume is not None:
        if env is not None:
            raise InvalidValueError(f"--resume takes the task from its run folder; leave out ENV, got {env!r}")
        _run(RunFolder.open(resume), resume=True)
        return
    if env is None:
        raise InvalidValueError("name a task to train on, such as grid/shooting, or --resume a run folder")
    from isa_learners.config_io import make_config, parse_overrides, read_config_file

    given: dict[str, Any] = {"algo": algo, "seed": seed, "device": device, "stop_when_solved": stop_when_solved}
    if steps is not None:
        given["steps"] = steps
    if num_envs is not None:
        given["ppo"] = {"num_envs": num_envs}
    if options := parse_kwargs(kwargs):
        given["env_kwargs"] = options
    from_file = read_config_file(config) if config is not None else {}
    resolved = make_config(env, preset, {**from_file, "env": env}, given, parse_overrides(override or []))
    _check(resolved)
    name = f"{env.replace('/', '-').replace(':', '-')}-{algo}-{preset}-seed{seed}-{time.strftime('%Y%m%d-%H%M%S')}"
    _run(RunFolder.create(out or Path("runs") / name, resolved), resume=False)


def _check(config: Any) -> None:
    """Meet mistakes before a folder is made."""
    from isa_learners.algorithm import resolve_device
    from isa_wrappers.envs import make_batch

    make_batch(config.env, 1, resolve_device(config.device), **config.env_kwargs)


def _run(folder: Any, resume: bool) -> None:
    from isa_learners.plotting import plot_run
    from isa_learners.training import Interrupted, Training

    with TrainingDisplay(folder.path) as display:
        training = Training(folder, resume=resume, report=display.report)
        display.total = training.config.steps
        try:
            summary = training.run()
        except Interrupted:
            display.say(f"stopped; go on with: isa train --resume {folder.path}")
            raise typer.Exit(130) from None
        plot_run(folder)
    display.finish(summary)
