"""An episode of a run's greedy policy as a GIF or MP4: goals, steps, rewards in their parts, and how it ended."""

from __future__ import annotations

from pathlib import Path

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.evaluation import EpisodeOutcomes
from isa_learners.runs.filming import Film, film_episode
from isa_learners.runs.frames import frames
from isa_learners.runs.video_files import FRAME_MS, LAST_FRAME_MS, WRITERS, check_video

__all__ = ["FRAME_MS", "LAST_FRAME_MS", "check_video", "film_episode", "render_episode", "write_film"]


def render_episode(algorithm: Algorithm, path: Path, seed: int, episodes: int = 1, episode: str = "0") -> Path:
    """Play greedy episodes and write one of them as a GIF or MP4.

    Args:
        algorithm: of the run.
        path: of the file, ``.gif`` or ``.mp4``.
        seed: of the environment.
        episodes: how many are played, together.
        episode: which of them is written: ``won`` or ``lost`` for the first that was, or a number from 0 on.

    Raises:
        InvalidValueError: if ``path`` ends otherwise, or no episode is as ``episode`` says.
        UnsupportedEnvironmentError: if the environment draws no pictures.
        MissingDependencyError: without Pillow, or an encoder of MP4.
    """
    check_video(path)
    outcomes = EpisodeOutcomes()
    algorithm.evaluate(episodes, seed, outcomes)
    write_film(film_episode(algorithm, outcomes, seed, outcomes.chosen(episode)), path)
    return path


def write_film(film: Film, path: Path) -> None:
    """Write a film as the ending of ``path`` says.

    Raises:
        CannotWriteError: if the file cannot be written.
    """
    WRITERS[path.suffix.lower()](frames(film), len(film.shots), path)
