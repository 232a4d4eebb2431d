"""A GIF of one greedy episode, the goal drawn in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.evaluation import evaluate
from isa_wrappers.errors import InvalidValueError, MissingDependencyError, UnsupportedEnvironmentError
from isa_wrappers.files import replacing

FRAME_MS = 150
LAST_FRAME_MS = 1_500


def render_episode(algorithm: Algorithm, path: Path, seed: int) -> Path:
    """Play one greedy episode and write it as a GIF.

    Raises:
        InvalidValueError: if ``path`` does not end in ``.gif``.
        UnsupportedEnvironmentError: if the environment draws no pictures.
        MissingDependencyError: without Pillow.
    """
    if path.suffix.lower() != ".gif":
        raise InvalidValueError(f"--render takes a file that ends in .gif, got {str(path)!r}")
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependencyError("GIFs need Pillow: pip install 'isa-marl[plot]'") from error
    env, base = algorithm.evaluation_env(1, seed)
    draw = getattr(base, "render", None)
    if draw is None:
        raise UnsupportedEnvironmentError(f"{algorithm.config.env} draws no pictures, so there is nothing to render")
    frames: list[Any] = []

    def watch(step: Any) -> None:
        goal = getattr(env, "episode_goal", None)
        frames.append(Image.fromarray(draw(0, None if goal is None else algorithm.pursued(goal[0]))))

    evaluate(env, algorithm.phase.learner, seed, watch, algorithm.config.eval_limit)
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_FRAME_MS]
    with replacing(path) as file:
        frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return path
