"""A won and a lost episode of a run's greedy policy: what was drawn, the states, each agent's reward in its parts."""

from __future__ import annotations

import base64
import io
from math import isfinite
from typing import Any

import numpy as np
import torch

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.drawing import drawer
from isa_learners.runs.evaluation import unchanged_generators
from isa_learners.runs.filming import LastStep, restore_rewards, reward_parts
from isa_learners.runs.phases import wrapped
from isa_learners.runs.policy import goals_in
from isa_wrappers.arrays import to_numpy
from isa_wrappers.batch import BatchStep

COPIES = 16
MOST_FRAMES = 120
MOST_BYTES = 250_000
"""Of an episode's pictures; beyond it every second one is left out, until they fit."""
MOST_NUMBERS = 40_000
"""Of an episode's states; beyond it the last steps are left out."""


def replays(algorithm: Algorithm, seed: int = 0, most_bytes: int = MOST_BYTES) -> list[dict[str, Any]]:
    """Play :data:`COPIES` greedy episodes under training's rewards; return one that was won and one that was lost.

    Rewards that count or learn start from what they had at the checkpoint, in each episode anew.

    Args:
        algorithm: of the run; its goals stay as they are.
        seed: of the environment.
        most_bytes: of the pictures of an episode.
    """
    with unchanged_generators(), torch.no_grad():
        kept = {name: thing.state_dict() for name, thing in algorithm.shared.items()}
        ends = _played(algorithm, seed, None)
        told = []
        for won in (True, False):
            copy = next((b for b, end in enumerate(ends) if end["won"] is won), None)
            if copy is not None:
                for name, thing in algorithm.shared.items():
                    thing.load_state_dict(kept[name])
                told.append(_thinned(_played(algorithm, seed, copy)[copy], most_bytes))
        for name, thing in algorithm.shared.items():
            thing.load_state_dict(kept[name])
    return told


def _played(algorithm: Algorithm, seed: int, watched: int | None) -> list[dict[str, Any]]:
    """Play each copy's first episode; of the one that is ``watched`` everything is kept."""
    phase, learner = algorithm.phase, algorithm.phase.learner
    base = algorithm.evaluation_env(COPIES)[1]
    env = wrapped(phase.context, phase.spec, inner := LastStep(base))
    restore_rewards(env, algorithm.saved_env)
    draw, sampling = drawer(algorithm.config.env, base), goals_in(env)
    told: list[dict[str, Any]] = [{"won": False, "goal": None, "steps": [], "frames": []} for _ in range(COPIES)]

    def see(b: int, seen: dict[str, Any]) -> None:
        goal = None if sampling is None else sampling.projection.credit.pursued(sampling.episode_goal[b])
        told[b]["steps"].append(seen)
        told[b]["goal"] = None if goal is None else _known(goal)
        if draw is not None:
            told[b]["frames"].append(_png(draw(b, goal)))

    step, memory = env.reset(seed), learner.begin(COPIES)
    playing = np.ones(COPIES, dtype=bool)
    if watched is not None:
        playing = np.arange(COPIES) == watched
        see(watched, {"state": _rounded(step.state[watched])})
    for _ in range(base.horizon or algorithm.config.eval_limit):
        decision = learner.act(step, memory)
        step, memory = env.step(decision.action), decision.memory
        if watched is not None:
            see(watched, _step(env, inner.said, step, watched))
        for winner in np.flatnonzero(playing & to_numpy(step.success)):
            told[winner]["won"] = True
        playing &= ~to_numpy(step.done)
        if not playing.any():
            break
    return told


def _step(env: Any, said: BatchStep, step: BatchStep, b: int) -> dict[str, Any]:
    """Return what a step told: the state after it, and every agent's reward in its parts."""
    parts = {"environment": to_numpy(said.reward[b]), **reward_parts(env, b)}
    return {
        "state": _rounded(step.final_state[b]),
        "parts": {name: _rounded(value) for name, value in parts.items()},
    }


def _rounded(values: Any) -> list[float | None]:
    """Return numbers as a page shows them; ``None`` for what is no number."""
    return [float(f"{value:.6g}") if isfinite(value) else None for value in to_numpy(values).tolist()]


def _known(goal: Any) -> list[float | None]:
    """Return a goal with ``None`` in the dimensions that nobody pursues."""
    return [None if np.isnan(value) else float(value) for value in to_numpy(goal)]


def _png(picture: Any) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).quantize(64).save(file, format="PNG", optimize=True)
    return file.getvalue()


def _thinned(told: dict[str, Any], most_bytes: int) -> dict[str, Any]:
    """Leave out pictures and last steps until they fit; say how many steps lie between two pictures, and how many end.

    Example:
        >>> told = _thinned({"steps": [{"state": [0.0]}] * 5, "frames": [b"12"] * 5}, most_bytes=6)
        >>> told["frames"], told["stride"], told["left_out"]
        (['data:image/png;base64,MTI=', 'data:image/png;base64,MTI=', 'data:image/png;base64,MTI='], 2, 0)
    """
    most = max(2, MOST_NUMBERS // max(1, len(told["steps"][0]["state"])))
    left_out, frames, stride = max(0, len(told["steps"]) - most), told["frames"], 1
    while frames and (len(frames) > MOST_FRAMES or sum(map(len, frames)) > most_bytes):
        frames, stride = frames[::2], stride * 2
    pictures = ["data:image/png;base64," + base64.b64encode(frame).decode() for frame in frames]
    return {**told, "steps": told["steps"][:most], "frames": pictures, "stride": stride, "left_out": left_out}
