"""Greedy evaluation: every copy of a batched environment plays one episode."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from isa_learners.checkpoint import global_generators, set_global_generators
from isa_learners.config import EVAL_LIMIT
from isa_learners.learner import Learner
from isa_learners.learner_checks import check_decision
from isa_wrappers.arrays import ENV_SEEDS, to_numpy
from isa_wrappers.batch import BatchEnv, BatchStep
from isa_wrappers.blame import ErrorSource
from isa_wrappers.errors import InvalidValueError, shown

LOST = "each was lost with its game or its worker"


@dataclass(frozen=True)
class Evaluation:
    """Means over the episodes of an evaluation, without episodes lost because their game failed; NaN if none is left.

    Attributes:
        success_rate: share of episodes won.
        return_mean: mean over episodes and agents of the undiscounted sum of the environment's reward.
        episode_length: mean number of steps.
        episodes: number of episodes that finished or reached the limit of an evaluation.
    """

    success_rate: float
    return_mean: float
    episode_length: float
    episodes: int


class EpisodeOutcomes:
    """The outcome of each episode of an evaluation; pass it to :func:`evaluate` as ``watch``.

    Attributes:
        won: ``[B]`` bool, whether the episode was won.
        steps: ``[B]`` number of steps so far.
        over: ``[B]`` bool, whether the episode has ended.
        lost_with_game: ``[B]`` bool, whether it was discarded because its game or worker failed.
    """

    def __init__(self) -> None:
        self.won: npt.NDArray[Any] = np.zeros(0, dtype=bool)

    def __call__(self, step: BatchStep) -> None:
        """Process the first or next step."""
        if not len(self.won):
            self.won, self.over, self.lost_with_game = (np.zeros(len(step.obs), dtype=bool) for _ in range(3))
            self.steps = np.zeros(len(step.obs), dtype=int)
            return
        playing = ~self.over
        self.steps += playing
        self.won |= playing & to_numpy(step.success)
        self.lost_with_game |= playing & to_numpy(step.done & ~step.finished)
        self.over |= to_numpy(step.done)

    def chosen(self, which: str) -> int:
        """Return the index of an episode: the first that was ``won`` or ``lost``, or the one with the given number.

        Raises:
            InvalidValueError: if there is no such episode.
        """
        count = len(self.won)
        if which not in ("won", "lost"):
            if which.isdecimal() and int(which) < count:
                return int(which)
            raise InvalidValueError(
                f"--episode must be won, lost, or a number from 0 to {count - 1}, got {shown(which)}; "
                "--episodes sets how many are played"
            )
        candidates = (self.won if which == "won" else ~self.won) & ~self.lost_with_game
        if not candidates.any():
            other = "lost" if which == "won" else "won"
            raise InvalidValueError(
                f"--episode {which}: none of the {count} episodes was {which}; use --episode {other}, more --episodes "
                "or another --seed"
            )
        return int(np.flatnonzero(candidates)[0])


@contextmanager
def unchanged_generators() -> Iterator[None]:
    """Restore the global random generators of torch, NumPy and Python on exit.

    Otherwise environments that use them would make training depend on when it is evaluated.
    """
    before = global_generators()
    try:
        yield
    finally:
        set_global_generators(before)


def evaluation_seed(seed: int, env_steps: int) -> int:
    """Return the seed of an evaluation, which depends only on the run's seed and the step.

    Example:
        >>> evaluation_seed(5, 0), evaluation_seed(5, 2)
        (5, 2000011)
    """
    return (seed + 1_000_003 * env_steps) % ENV_SEEDS


def evaluate(
    env: BatchEnv,
    learner: Learner,
    seed: int,
    watch: Callable[[BatchStep], None] | None = None,
    limit: int = EVAL_LIMIT,
    who: str | None = None,
) -> Evaluation:
    """Play one greedy episode in every copy of ``env`` without changing the global random generators.

    Episodes that exceed the environment's ``horizon``, or the limit if it has none, are cut off with a warning and
    count as they are.

    Args:
        env: batched environment on the learner's device; ``return_mean`` sums its reward.
        learner: learner that acts.
        seed: seed of the environment.
        watch: called with the first and every following step.
        limit: maximum number of steps in an environment without ``horizon``.
        who: name of the learner in messages; by default its class.

    Raises:
        InvalidValueError: if the first decision is invalid.
    """
    with torch.no_grad(), unchanged_generators():
        step = env.reset(seed)
        num_envs, device = env.num_envs, step.reward.device
        playing = torch.ones(num_envs, device=device)
        won = torch.zeros(num_envs, device=device)
        kept = torch.ones(num_envs, device=device)
        total = torch.zeros(2, num_envs, device=device)
        blame = ErrorSource(who or f"learner {type(learner).__name__}")
        with blame:
            memory = learner.begin(num_envs)
        for number in range(env.horizon or limit):
            if watch is not None:
                watch(step)
            with blame:
                decision = learner.act(step, memory)
            if number == 0:
                check_decision(blame.who, decision, step, env)
            memory = decision.memory
            step = env.step(decision.action)
            won = torch.maximum(won, playing * step.success.float())
            total += torch.stack([playing * step.reward.mean(-1), playing])
            kept = kept - playing * (step.done & ~step.finished).float()
            playing = playing * (~step.done).float()
            if not bool(playing.any()):
                break
        else:
            _warn_of_limit(int(playing.sum()), env, limit)
        if watch is not None:
            watch(step)
    return _means_of(to_numpy(torch.vstack([kept, won, total])).astype(np.float64))


def _means_of(outcomes: npt.NDArray[np.float64]) -> Evaluation:
    """Return the means of ``[kept, won, return, length]``, in float64, as 9 of 10 in float32 would be less than 0.9."""
    counted = outcomes[1:, outcomes[0] > 0]
    episodes = counted.shape[1]
    rate, returns, steps = (counted.sum(-1) / episodes).tolist() if episodes else [nan] * 3
    return Evaluation(rate, returns, steps, episodes)


def _warn_of_limit(playing: int, env: BatchEnv, limit: int) -> None:
    length = f"its horizon of {env.horizon:,}" if env.horizon else f"eval_limit, {limit:,}"
    remedy = "correct the horizon" if env.horizon else "give the environment a horizon, or change eval_limit"
    warnings.warn(
        f"{playing} of {env.num_envs} evaluation episodes had not ended after {length} steps and were cut off there; "
        f"{remedy}",
        stacklevel=1,  # the same place for all callers, so that Python shows the warning once
    )
