"""Replays one episode of an evaluation to record its pictures and the parts of each agent's reward."""

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
"""Maximum number of shots of a film; in longer episodes every second shot is dropped, repeatedly if needed."""
SYMBOLS = {"progress": "r", "bonus": "bonus"}
"""Reward -> symbol of its parts: ``r_c`` and ``r_(i-c)`` of Eq. 7, ``bonus_c`` and ``bonus_(i-c)`` of Eq. 10."""
SEGMENTS = {"common": "c", "special": "(i-c)"}


@dataclass(frozen=True)
class Shot:
    """One moment of an episode.

    Attributes:
        step: number of steps taken.
        picture: ``[H, W, 3]``.
        parts: name -> ``[A]``, parts of each agent's reward in this step; empty at the start.
        total: ``[A]`` total reward, as used for training.
        returned: sum of the environment's reward so far, as mean over agents.
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
        task: name of the task.
        policy: short description of the policy.
        agents: names of the agents.
        episode: index of the episode in the evaluation.
        shots: shots from the start to the last state.
        stride: steps between two shots.
        won: whether it was won; ``None`` if it was cut off by the limit of an evaluation.
        legend: explanation of the picture.
        has_goal: whether the episode has a goal.
        shows_goal: whether the picture shows the goal.
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
        """Add the next shot if it is due, or if it is the last one."""
        if shot.step % self.stride == 0 or last:
            self.shots.append(shot)
        if len(self.shots) > MOST_SHOTS:
            self.stride *= 2
            self.shots = [
                earlier for earlier in self.shots if earlier.step % self.stride == 0 or (last and earlier is shot)
            ]


class LastStep(BatchWrapper):
    """Keeps the last step of the environment itself."""

    last_step: BatchStep

    def step(self, actions: Any) -> BatchStep:
        """Advance every copy."""
        self.last_step = self.env.step(actions)
        return self.last_step


@contextmanager
def kept_shared(algorithm: Algorithm) -> Iterator[None]:
    """On exit, restore the objects shared by the phases, such as goals, and the global random generators."""
    states = {name: shared_object.state_dict() for name, shared_object in algorithm.shared.items()}
    with unchanged_generators(), torch.no_grad():
        try:
            yield
        finally:
            for name, shared_object in algorithm.shared.items():
                shared_object.load_state_dict(states[name])


class GreedyPlay:
    """Plays greedy episodes with the training rewards, which start from their state in the checkpoint.

    Args:
        algorithm: algorithm of the run.
        base: environment to play in.
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
        """Yield the first and every further step until the limit, as the learner sees them."""
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
        """Return the environment's reward of each agent of copy ``b`` in the last step, and parts of other rewards."""
        return np.array(to_numpy(self._base.last_step.reward[b])), reward_parts(self._env, b)


def film_episode(algorithm: Algorithm, outcomes: EpisodeOutcomes, seed: int, episode: int) -> Film:
    """Replay an evaluation with the training rewards and record one of its episodes.

    If the environment is not reproducible from a seed, the recorded episode is a different one, and a warning says so.

    Args:
        algorithm: algorithm of the run; its goals do not change.
        outcomes: outcomes of the evaluation.
        seed: seed of the evaluation.
        episode: index of the episode to record.

    Raises:
        UnsupportedEnvironmentError: if the environment cannot draw pictures.
    """
    with kept_shared(algorithm):
        scene = drawn(algorithm, len(outcomes.won), seed, episode)
        try:
            film = _played(algorithm, scene, seed, episode)
        finally:
            if scene.env is not algorithm.evaluation_env(len(outcomes.won))[1]:
                scene.env.close()  # type: ignore[attr-defined]
    num_steps = film.shots[-1].step
    if num_steps != outcomes.steps[episode] or bool(film.won) != outcomes.won[episode]:
        warnings.warn(
            f"{film.task} does not repeat its episodes from a seed: episode {episode} took {outcomes.steps[episode]} "
            f"steps, the recorded one {num_steps}",
            stacklevel=2,
        )
    return film


def _played(algorithm: Algorithm, scene: Drawn, seed: int, b: int) -> Film:
    phase, config = algorithm.phase, algorithm.config
    play = GreedyPlay(algorithm, scene.env)
    policy_text = f"{config.algo}, phase {phase.name}" if len(algorithm.spec.phases) > 1 else config.algo
    film = Film(config.env, policy_text, tuple(scene.env.agents), b, legend=scene.legend)
    film.has_goal = play.has_goal
    film.shows_goal = film.has_goal and scene.shows_goal
    steps, returned = play.steps(seed), 0.0
    next(steps)
    film.add(Shot(0, scene.draw(play.goal(b))), last=False)
    for step_number, step in enumerate(steps, start=1):
        over = bool(step.done[b])
        if over or bool(step.success[b]):
            film.won = bool(film.won) or bool(step.success[b])
        env_reward, parts = play.paid(b)
        returned += float(env_reward.mean())
        total = np.array(to_numpy(step.reward[b]))
        shot = Shot(step_number, scene.draw(play.goal(b)), {**parts, "env": env_reward}, total, returned)
        film.add(shot, last=over or step_number == play.limit)
        if over:
            break
    return film


def reward_parts(env: Any, b: int) -> dict[str, npt.NDArray[Any]]:
    """Return the parts of each agent's reward in copy ``b`` in the last step."""
    parts: dict[str, npt.NDArray[Any]] = {}
    for wrapper in layers_of(env, batch.RewardWrapper):
        for name, value in wrapper.parts.items():
            parts[part_name(wrapper.reward.name, name)] = np.array(to_numpy(value[b]))
    return parts


def part_name(reward: str, part: str) -> str:
    """Return the name of a part of a reward in a picture.

    Example:
        >>> part_name("progress", "special"), part_name("bonus", "common"), part_name("rnd", "novelty")
        ('r_(i-c)', 'bonus_c', 'rnd novelty')
    """
    if reward in SYMBOLS and part in SEGMENTS:
        return f"{SYMBOLS[reward]}_{SEGMENTS[part]}"
    return f"{reward} {part}"


def restore_rewards(env: Any, saved: dict[str, Tensor]) -> None:
    """Load the saved state of the training rewards into the reward wrappers of an environment.

    Args:
        env: environment with the same wrappers as in training.
        saved: saved state of the training environment; may be empty.
    """
    while isinstance(env, BatchWrapper) and saved:
        if isinstance(env, batch.RewardWrapper):
            env.reward.load_state_dict(without_prefix("reward", saved))
        saved = without_prefix("env", saved)
        env = env.env
