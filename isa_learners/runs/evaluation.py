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
from isa_wrappers.blame import Blamed
from isa_wrappers.errors import InvalidValueError, shown

LOST = "each was lost with its game or its worker"


@dataclass(frozen=True)
class Evaluation:
    """Means over the episodes of an evaluation, those lost with their game left out; NaN where none is left.

    Attributes:
        success_rate: share of episodes won.
        return_mean: mean over episodes and agents of the undiscounted sum of the environment's reward.
        episode_length: mean number of steps.
        episodes: how many were played to their end or to the limit of an evaluation.
    """

    success_rate: float
    return_mean: float
    episode_length: float
    episodes: int


class EpisodeOutcomes:
    """How each episode of an evaluation ended: what :func:`evaluate` is given to watch.

    Attributes:
        won: ``[B]`` bool, the episode was won.
        steps: ``[B]`` how many it took, so far.
        over: ``[B]`` bool, it has ended.
        lost_with_game: ``[B]`` bool, it was discarded with its game or worker, and counts for nothing.
    """

    def __init__(self) -> None:
        self.won: npt.NDArray[Any] = np.zeros(0, dtype=bool)

    def __call__(self, step: BatchStep) -> None:
        """Take in the first step, or the next one."""
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
        """Return the number of an episode: the first one that was ``won`` or ``lost``, or the one of that number.

        Raises:
            InvalidValueError: if there is none.
        """
        count = len(self.won)
        if which not in ("won", "lost"):
            if which.isdecimal() and int(which) < count:
                return int(which)
            raise InvalidValueError(
                f"--episode must be won, lost, or a number from 0 to {count - 1}, got {shown(which)}; "
                "--episodes says how many are played"
            )
        wanted = (self.won if which == "won" else ~self.won) & ~self.lost_with_game
        if not wanted.any():
            other = "lost" if which == "won" else "won"
            raise InvalidValueError(
                f"--episode {which}: none of the {count} episodes was {which}; take --episode {other}, more --episodes "
                "or another --seed"
            )
        return int(np.flatnonzero(wanted)[0])


@contextmanager
def unchanged_generators() -> Iterator[None]:
    """Leave the global generators of torch, NumPy and Python as they were.

    Environments that draw from them would otherwise make training depend on when it is evaluated.
    """
    before = global_generators()
    try:
        yield
    finally:
        set_global_generators(before)


def evaluation_seed(seed: int, env_steps: int) -> int:
    """Return the seed of a run's evaluation: of the step alone, so that training's random numbers stay as they are.

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
    """Play one greedy episode in every copy of ``env``; global generators are left as they were.

    Episodes that have not ended by the environment's ``horizon``, or without one by the limit, are cut off there, with
    a warning, and count as they stand.

    Args:
        env: batched, on the learner's device; its reward is what ``return_mean`` sums.
        learner: who acts.
        seed: of the environment.
        watch: called with the first and every following step.
        limit: steps of an episode in an environment without ``horizon``.
        who: the learner in messages; by default its class.

    Raises:
        InvalidValueError: for a first decision that is none, or cannot be taken.
    """
    with torch.no_grad(), unchanged_generators():
        step = env.reset(seed)
        num_envs, device = env.num_envs, step.reward.device
        playing = torch.ones(num_envs, device=device)
        won = torch.zeros(num_envs, device=device)
        kept = torch.ones(num_envs, device=device)
        total = torch.zeros(2, num_envs, device=device)
        at_work = Blamed(who or f"learner {type(learner).__name__}")
        with at_work:
            memory = learner.begin(num_envs)
        for number in range(env.horizon or limit):
            if watch is not None:
                watch(step)
            with at_work:
                decision = learner.act(step, memory)
            if number == 0:
                check_decision(at_work.who, decision, step, env)
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
    """Return the means of ``[kept, won, return, length]`` of episodes; in float32 9 of 10 would be less than 0.9."""
    counted = outcomes[1:, outcomes[0] > 0]
    episodes = counted.shape[1]
    rate, returns, steps = (counted.sum(-1) / episodes).tolist() if episodes else [nan] * 3
    return Evaluation(rate, returns, steps, episodes)


def _warn_of_limit(playing: int, env: BatchEnv, limit: int) -> None:
    length = f"its horizon of {env.horizon:,}" if env.horizon else f"eval_limit, {limit:,}"
    remedy = "correct the horizon" if env.horizon else "give the environment a horizon, or set another eval_limit"
    warnings.warn(
        f"{playing} of {env.num_envs} evaluation episodes had not ended after {length} steps and were cut off there; "
        f"{remedy}",
        stacklevel=1,  # one place for all callers, so that Python shows it once
    )
