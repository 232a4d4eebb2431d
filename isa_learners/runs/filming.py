"""One episode of an evaluation once more, for its pictures: what was drawn, and each agent's reward in its parts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from isa_wrappers.batch import BatchEnv, BatchStep, BatchWrapper
from isa_wrappers.border.layers import layers_of
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


@contextmanager
def kept_shared(algorithm: Algorithm) -> Iterator[None]:
    """Leave what an algorithm's phases share, such as goals, and the global generators as they were; learn nothing."""
    kept = {name: thing.state_dict() for name, thing in algorithm.shared.items()}
    with unchanged_generators(), torch.no_grad():
        try:
            yield
        finally:
            for name, thing in algorithm.shared.items():
                thing.load_state_dict(kept[name])


class GreedyPlay:
    """Greedy episodes of a run's policy under training's rewards, which start from what they had at the checkpoint.

    Args:
        algorithm: of the run.
        base: the environment to play in.
    """

    def __init__(self, algorithm: Algorithm, base: BatchEnv) -> None:
        phase = algorithm.phase
        self._learner, self._base = phase.learner, LastStep(base)
        self._env = wrapped(phase.context, phase.spec, self._base)
        restore_rewards(self._env, algorithm.saved_env)
        self._sampling = goals_in(self._env)
        self.limit = base.horizon or algorithm.config.eval_limit
        self.has_goal = self._sampling is not None

    def steps(self, seed: int) -> Iterator[BatchStep]:
        """Yield how the episodes begin, and each step until the limit, as the learner sees them."""
        step, memory = self._env.reset(seed), self._learner.begin(self._env.num_envs)
        yield step
        for _ in range(self.limit):
            decision = self._learner.act(step, memory)
            step, memory = self._env.step(decision.action), decision.memory
            yield step

    def goal(self, b: int) -> Any:
        """Return the goal that copy ``b`` pursues; ``None`` without goals."""
        sampling = self._sampling
        return None if sampling is None else sampling.projection.credit.pursued(sampling.episode_goal[b])

    def paid(self, b: int) -> tuple[npt.NDArray[Any], dict[str, npt.NDArray[Any]]]:
        """Return what the environment paid each agent of copy ``b`` in the last step, and other rewards' parts."""
        return np.array(to_numpy(self._base.said.reward[b])), reward_parts(self._env, b)


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
    with kept_shared(algorithm):
        scene = drawn(algorithm, len(outcomes.won), seed, episode)
        try:
            film = _played(algorithm, scene, seed, episode)
        finally:
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


def _played(algorithm: Algorithm, scene: Drawn, seed: int, b: int) -> Film:
    phase, config = algorithm.phase, algorithm.config
    play = GreedyPlay(algorithm, scene.env)
    whose = f"{config.algo}, phase {phase.name}" if len(algorithm.spec.phases) > 1 else config.algo
    film = Film(config.env, whose, tuple(scene.env.agents), b, legend=scene.legend)
    film.has_goal = play.has_goal
    film.shows_goal = film.has_goal and scene.shows_goal
    steps, returned = play.steps(seed), 0.0
    next(steps)
    film.add(Shot(0, scene.draw(play.goal(b))), last=False)
    for taken, step in enumerate(steps, start=1):
        over = bool(step.done[b])
        if over or bool(step.success[b]):
            film.won = bool(film.won) or bool(step.success[b])
        own, parts = play.paid(b)
        returned += float(own.mean())
        total = np.array(to_numpy(step.reward[b]))
        shot = Shot(taken, scene.draw(play.goal(b)), {**parts, "env": own}, total, returned)
        film.add(shot, last=over or taken == play.limit)
        if over:
            break
    return film


def reward_parts(env: Any, b: int) -> dict[str, npt.NDArray[Any]]:
    """Return what each agent of copy ``b`` was paid in the last step, by part."""
    found: dict[str, npt.NDArray[Any]] = {}
    for wrapper in layers_of(env, batch.RewardWrapper):
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
