"""A won and a lost episode of a run's greedy policy: pictures, states and parts of each agent's reward."""

from __future__ import annotations

import base64
import io
from math import isfinite
from typing import Any

import numpy as np

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.drawing import drawer
from isa_learners.runs.filming import GreedyPlay, kept_shared
from isa_wrappers.arrays import to_numpy
from isa_wrappers.batch import BatchStep

COPIES = 16
MOST_FRAMES = 120
MOST_BYTES = 250_000
"""Maximum number of bytes of an episode's pictures; beyond it every second one is dropped, repeatedly if needed."""
MOST_NUMBERS = 40_000
"""Maximum number of values of an episode's states; beyond it the last steps are dropped."""


def replays(algorithm: Algorithm, seed: int = 0, most_bytes: int = MOST_BYTES) -> list[dict[str, Any]]:
    """Play :data:`COPIES` greedy episodes with the training rewards; return a won and a lost one.

    Rewards that count or learn start each episode from their state in the checkpoint.

    Args:
        algorithm: algorithm of the run; its goals do not change.
        seed: seed of the environment.
        most_bytes: maximum number of bytes of the pictures of an episode.
    """
    episodes = []
    with kept_shared(algorithm):
        outcomes = _played(algorithm, seed, None)
    for won in (True, False):
        copy = next((b for b, outcome in enumerate(outcomes) if outcome["won"] is won), None)
        if copy is not None:
            with kept_shared(algorithm):
                episodes.append(_thinned(_played(algorithm, seed, copy)[copy], most_bytes))
    return episodes


def _played(algorithm: Algorithm, seed: int, watched: int | None) -> list[dict[str, Any]]:
    """Play the first episode of each copy; record the ``watched`` one in full."""
    base = algorithm.evaluation_env(COPIES)[1]
    play, draw = GreedyPlay(algorithm, base), drawer(algorithm.config.env, base)
    episodes: list[dict[str, Any]] = [{"won": False, "goal": None, "steps": [], "frames": []} for _ in range(COPIES)]

    def see(b: int, step_values: dict[str, Any]) -> None:
        goal = play.goal(b)
        episodes[b]["steps"].append(step_values)
        episodes[b]["goal"] = None if goal is None else _known(goal)
        if draw is not None:
            episodes[b]["frames"].append(_png(draw(b, goal)))

    steps, playing = play.steps(seed), np.ones(COPIES, dtype=bool)
    step = next(steps)
    if watched is not None:
        playing = np.arange(COPIES) == watched
        see(watched, {"state": _rounded(step.state[watched])})
    for step in steps:
        if watched is not None:
            see(watched, _step(play, step, watched))
        for winner in np.flatnonzero(playing & to_numpy(step.success)):
            episodes[winner]["won"] = True
        playing &= ~to_numpy(step.done)
        if not playing.any():
            break
    return episodes


def _step(play: GreedyPlay, step: BatchStep, b: int) -> dict[str, Any]:
    """Return the state after a step and the parts of each agent's reward."""
    env_reward, parts = play.paid(b)
    return {
        "state": _rounded(step.final_state[b]),
        "parts": {name: _rounded(value) for name, value in {"environment": env_reward, **parts}.items()},
    }


def _rounded(values: Any) -> list[float | None]:
    """Round numbers for the page; values that are not finite become ``None``."""
    return [float(f"{value:.6g}") if isfinite(value) else None for value in to_numpy(values).tolist()]


def _known(goal: Any) -> list[float | None]:
    """Return a goal with ``None`` in the dimensions that no agent pursues."""
    return [None if np.isnan(value) else float(value) for value in to_numpy(goal)]


def _png(picture: Any) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).quantize(64).save(file, format="PNG", optimize=True)
    return file.getvalue()


def _thinned(episode: dict[str, Any], most_bytes: int) -> dict[str, Any]:
    """Drop pictures and last steps until the rest fits; add the steps between two pictures and the dropped steps.

    Example:
        >>> episode = _thinned({"steps": [{"state": [0.0]}] * 5, "frames": [b"12"] * 5}, most_bytes=6)
        >>> episode["frames"], episode["stride"], episode["left_out"]
        (['data:image/png;base64,MTI=', 'data:image/png;base64,MTI=', 'data:image/png;base64,MTI='], 2, 0)
    """
    max_steps = max(2, MOST_NUMBERS // max(1, len(episode["steps"][0]["state"])))
    left_out, frames, stride = max(0, len(episode["steps"]) - max_steps), episode["frames"], 1
    while frames and (len(frames) > MOST_FRAMES or sum(map(len, frames)) > most_bytes):
        frames, stride = frames[::2], stride * 2
    pictures = ["data:image/png;base64," + base64.b64encode(frame).decode() for frame in frames]
    return {
        **episode,
        "steps": episode["steps"][:max_steps],
        "frames": pictures,
        "stride": stride,
        "left_out": left_out,
    }
