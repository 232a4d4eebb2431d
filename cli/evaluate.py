"""``isa eval``: the greedy policy of a run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from isa_wrappers.fields import MOST_COPIES

from .json_alone import print_json
from .options import Json, Quiet, RunEnv, Seed, Trust, need_training, writing_to
from .progress import LifeSigns


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")],
    episodes: Annotated[int, typer.Option(help="Greedy episodes.", min=1, max=MOST_COPIES)] = 32,
    seed: Seed = 0,
    best: Annotated[bool, typer.Option("--best", help="Take the best checkpoint, not the latest.")] = False,
    env: RunEnv = None,
    trust: Trust = False,
    render: Annotated[Path | None, typer.Option(help="Write a GIF of one episode, goals drawn in.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Play greedy episodes with the policy of RUN, with goals from its buffer."""
    need_training()
    from isa_learners.runs.run_folder import RunFolder
    from isa_learners.runs.training import load_algorithm

    algorithm, meta = load_algorithm(RunFolder.open(run, env, trust), best, policy_only=True)
    if render is not None:
        from isa_learners.runs.rendering import render_episode

        with writing_to(render):
            render_episode(algorithm, render, seed)
    with LifeSigns(lambda: f"evaluating {run}", quiet):
        found = algorithm.evaluate(episodes, seed)
    result = {"run": str(run), "env_steps": meta["env_steps"], "phase": meta["phase"], "seed": seed, **asdict(found)}
    if render is not None:
        result["render"] = str(render)
    if as_json:
        print_json(result)
        return
    typer.echo(
        f"success rate {found.success_rate:.3f}, return {found.return_mean:.2f}, length {found.episode_length:.1f} "
        f"over {found.episodes} episodes ({meta['phase']}, {meta['env_steps']:,} steps)"
    )
    if render is not None:
        typer.echo(f"written to {render}")
