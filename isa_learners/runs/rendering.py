"""Videos of a run's greedy policy as GIF or MP4, with goals, steps, parts of the rewards and the outcome."""

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
        algorithm: algorithm of the run.
        path: ``.gif`` or ``.mp4`` file.
        seed: seed of the environment.
        episodes: number of episodes to play together.
        episode: episode to write: ``won`` or ``lost`` for the first such one, or a number from 0.

    Raises:
        InvalidValueError: for another file name extension, or if no episode matches ``episode``.
        UnsupportedEnvironmentError: if the environment cannot draw pictures.
        MissingDependencyError: if Pillow or an MP4 encoder is missing.
    """
    check_video(path)
    outcomes = EpisodeOutcomes()
    algorithm.evaluate(episodes, seed, outcomes)
    write_film(film_episode(algorithm, outcomes, seed, outcomes.chosen(episode)), path)
    return path


def write_film(film: Film, path: Path) -> None:
    """Write a film in the format of the file name extension.

    Raises:
        CannotWriteError: if the file cannot be written.
    """
    WRITERS[path.suffix.lower()](frames(film), len(film.shots), path)
