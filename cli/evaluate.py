"""``isa eval``: evaluate the greedy policy of a run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isa_wrappers.errors import InvalidValueError, shown
from isa_wrappers.fields import MOST_COPIES

from .json_alone import print_json
from .options import Json, Quiet, RunEnv, Seed, Trust, check_place, need_training, writing_to
from .progress import ProgressReporter

if TYPE_CHECKING:
    from isa_learners.runs.algorithm import Algorithm
    from isa_learners.runs.evaluation import EpisodeOutcomes


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")],
    episodes: Annotated[int, typer.Option(help="Number of greedy episodes.", min=1, max=MOST_COPIES)] = 32,
    seed: Seed = 0,
    best: Annotated[bool, typer.Option("--best", help="Use the best checkpoint instead of the latest.")] = False,
    env: RunEnv = None,
    trust: Trust = False,
    render: Annotated[
        Path | None,
        typer.Option(help="Write one episode as .gif or .mp4, with goals, parts of the reward and a legend."),
    ] = None,
    episode: Annotated[
        str | None,
        typer.Option(
            help="Episode that --render draws: won or lost (the first such one), or a number from 0.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Evaluate the greedy policy of RUN, with goals from its goal buffer."""
    need_training()
    from isa_learners.runs.evaluation import LOST, EpisodeOutcomes
    from isa_learners.runs.loading import load_algorithm
    from isa_learners.runs.run_folder import RunFolder

    if episode is not None and render is None:
        raise InvalidValueError(
            f"--episode chooses what --render draws, got {shown(episode)}; give --render FILE.gif too"
        )
    if render is not None:
        from isa_learners.runs.rendering import check_video

        check_video(render)
        check_place(render.parent)
    algorithm, meta = load_algorithm(RunFolder.open(run, env, trust), best, policy_only=True)
    outcomes = EpisodeOutcomes()
    with ProgressReporter(lambda: f"evaluating {run}", quiet):
        means = algorithm.evaluate(episodes, seed, None if render is None else outcomes)
    if not means.episodes:
        raise InvalidValueError(f"none of the {episodes} episodes finished: {LOST}")
    result = {
        "run": str(run),
        "env_steps": meta["env_steps"],
        "phase": meta["phase"],
        "seed": seed,
        **asdict(means),
    }
    if render is not None:
        drawn = _render(algorithm, outcomes, seed, episode or "0", render)
        result |= {"render": str(render), "episode": drawn}
    if as_json:
        print_json(result)
        return
    typer.echo(
        f"success rate {means.success_rate:.3f}, return {means.return_mean:.2f}, length {means.episode_length:.1f} "
        f"over {means.episodes} episodes ({meta['phase']}, {meta['env_steps']:,} steps)"
    )
    if render is not None:
        outcome = {True: "won", False: "lost", None: "cut off"}[drawn["won"]]
        typer.echo(f"episode {drawn['number']}, {outcome} after {drawn['steps']} steps, written to {render}")


def _render(algorithm: Algorithm, outcomes: EpisodeOutcomes, seed: int, choice: str, path: Path) -> dict[str, Any]:
    """Write one of the played episodes; return its number, outcome and steps."""
    from isa_learners.runs.rendering import film_episode, write_film

    film = film_episode(algorithm, outcomes, seed, outcomes.chosen(choice))
    with writing_to(path):
        write_film(film, path)
    return {"number": film.episode, "won": film.won, "steps": film.shots[-1].step}
