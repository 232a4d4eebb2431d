"""One episode of an evaluation once more, for its pictures: what was drawn, and each agent's reward in its parts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.drawing import Drawn, Picture, drawn
from isa_learners.runs.evaluation import EpisodeOutcomes, unchanged_generators
from isa_learners.runs.phases import wrapped
from isa_learners.runs.policy import goals_in
from isa_wrappers.arrays import to_numpy, without_prefix
from isa_wrappers.batch import BatchStep, BatchWrapper
from isa_wrappers.envs.drawing import Mark
from isa_wrappers.wrappers import batch

MOST_SHOTS = 300
"""Of a film; in a longer episode every second step is left out, until no more are kept."""
SYMBOLS = {"progress": "r", "bonus": "bonus"}
"""Reward -> what its parts are called: ``r_c`` and ``r_(i-c)`` of Eq. 7, ``bonus_c`` and ``bonus_(i-c)`` of Eq. 10."""
SEGMENTS = {"common": "c", "special": "(i-c)"}


@dataclass(frozen=True)
class Shot:
    """One moment of an episode.

    Attributes:
        step: how many were taken.
        picture: ``[H, W, 3]``.
        parts: name -> ``[A]``, what each agent was paid in this step; empty at the start.
        total: ``[A]`` what training has it learn from.
        returned: sum of the environment's reward so far, the mean over agents.
    """

    step: int
    picture: Picture
    parts: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    total: npt.NDArray[Any] | None = None
    returned: float = 0.0


@dataclass
class Film:
    """An episode in pictures.

    Attributes:
        task: its name.
        policy: whose episode it is, in a few words.
        agents: their names.
        episode: its number in the evaluation.
        shots: from its start to its last state.
        stride: steps between two of them.
        won: how it ended; ``None`` where it was cut off by the limit of an evaluation.
        legend: what is drawn.
        has_goal: it pursues a goal.
        shows_goal: the goal is drawn in.
    """

    task: str
    policy: str
    agents: tuple[str, ...]
    episode: int
    shots: list[Shot] = field(default_factory=list)
    stride: int = 1
    won: bool | None = None
    legend: tuple[Mark, ...] = ()
    has_goal: bool = False
    shows_goal: bool = False

    def add(self, shot: Shot, last: bool) -> None:
        """Take in the next shot, if it is due, or the last one."""
        if shot.step % self.stride == 0 or last:
            self.shots.append(shot)
        if len(self.shots) > MOST_SHOTS:
            self.stride *= 2
            self.shots = [kept for kept in self.shots if kept.step % self.stride == 0 or (last and kept is shot)]


class LastStep(BatchWrapper):
    """Keeps what the environment itself said last."""

    said: BatchStep

    def step(self, actions: Any) -> BatchStep:
        """Advance every copy."""
        self.said = self.env.step(actions)
        return self.said


def film_episode(algorithm: Algorithm, outcomes: EpisodeOutcomes, seed: int, episode: int) -> Film:
    """Play an evaluation again under training's rewards, and keep one of its episodes.

    An environment that does not repeat itself from a seed gets a warning: what is kept is then another episode.

    Args:
        algorithm: of the run; its goals stay as they are.
        outcomes: of the evaluation.
        seed: of the evaluation.
        episode: number of the one to keep.

    Raises:
        UnsupportedEnvironmentError: if the environment draws no pictures.
    """
    with unchanged_generators(), torch.no_grad():
        kept = {name: thing.state_dict() for name, thing in algorithm.shared.items()}
        scene = drawn(algorithm, len(outcomes.won), seed, episode)
        try:
            film = _played(algorithm, scene, len(outcomes.won), seed, episode)
        finally:
            for name, thing in algorithm.shared.items():
                thing.load_state_dict(kept[name])
            if scene.env is not algorithm.evaluation_env(len(outcomes.won))[1]:
                scene.env.close()  # type: ignore[attr-defined]
    took = film.shots[-1].step
    if took != outcomes.steps[episode] or bool(film.won) != outcomes.won[episode]:
        warnings.warn(
            f"{film.task} does not repeat its episodes from a seed: episode {episode} took {outcomes.steps[episode]} "
            f"steps, the one that is drawn {took}",
            stacklevel=2,
        )
    return film


def _played(algorithm: Algorithm, scene: Drawn, copies: int, seed: int, b: int) -> Film:
    phase, learner, config = algorithm.phase, algorithm.phase.learner, algorithm.config
    env = wrapped(phase.context, phase.spec, inner := LastStep(scene.env))
    restore_rewards(env, algorithm.saved_env)
    sampling = goals_in(env)
    whose = f"{config.algo}, phase {phase.name}" if len(algorithm.spec.phases) > 1 else config.algo
    film = Film(config.env, whose, tuple(scene.env.agents), b, legend=scene.legend)
    film.has_goal = sampling is not None
    film.shows_goal = film.has_goal and scene.shows_goal

    def picture() -> Picture:
        return scene.draw(None if sampling is None else sampling.projection.credit.pursued(sampling.episode_goal[b]))

    step, memory = env.reset(seed), learner.begin(copies)
    film.add(Shot(0, picture()), last=False)
    limit, returned = scene.env.horizon or config.eval_limit, 0.0
    for taken in range(1, limit + 1):
        decision = learner.act(step, memory)
        step, memory = env.step(decision.action), decision.memory
        over = bool(step.done[b])
        if over or bool(step.success[b]):
            film.won = bool(film.won) or bool(step.success[b])
        own = np.array(to_numpy(inner.said.reward[b]))
        returned += float(own.mean())
        parts, total = {**reward_parts(env, b), "env": own}, np.array(to_numpy(step.reward[b]))
        shot = Shot(taken, picture(), parts, total, returned)
        film.add(shot, last=over or taken == limit)
        if over:
            break
    return film


def reward_parts(env: Any, b: int) -> dict[str, npt.NDArray[Any]]:
    """Return what each agent of copy ``b`` was paid in the last step, by part."""
    found: dict[str, npt.NDArray[Any]] = {}
    for wrapper in payers(env):
        for name, value in wrapper.parts.items():
            found[part_name(wrapper.reward.name, name)] = np.array(to_numpy(value[b]))
    return found


def part_name(reward: str, part: str) -> str:
    """Return what a reward's part is called in a picture.

    Example:
        >>> part_name("progress", "special"), part_name("bonus", "common"), part_name("rnd", "novelty")
        ('r_(i-c)', 'bonus_c', 'rnd novelty')
    """
    if reward in SYMBOLS and part in SEGMENTS:
        return f"{SYMBOLS[reward]}_{SEGMENTS[part]}"
    return f"{reward} {part}"


def payers(env: Any) -> Iterator[batch.RewardWrapper]:
    """Walk over the reward wrappers of an environment, from the outermost inwards."""
    while isinstance(env, BatchWrapper):
        if isinstance(env, batch.RewardWrapper):
            yield env
        env = env.env


def restore_rewards(env: Any, saved: dict[str, Tensor]) -> None:
    """Give the rewards of an environment's wrappers what those of training had counted and learned.

    Args:
        env: wrapped as training's environment is.
        saved: the state of that environment; empty for none.
    """
    while isinstance(env, BatchWrapper) and saved:
        if isinstance(env, batch.RewardWrapper):
            env.reward.load_state_dict(without_prefix("reward", saved))
        saved = without_prefix("env", saved)
        env = env.env
