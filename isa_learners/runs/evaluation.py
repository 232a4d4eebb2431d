"""Greedy evaluation: every copy of a batched environment plays one episode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from isa_learners.learner import Learner
from isa_wrappers.batch import BatchEnv, BatchStep

LONGEST_EPISODE = 100_000
"""Steps after which an evaluation of an environment that never ends is given up."""


@dataclass(frozen=True)
class Evaluation:
    """Means over the episodes of an evaluation, those lost with their game left out.

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


def evaluate(
    env: BatchEnv, learner: Learner, seed: int, watch: Callable[[BatchStep], None] | None = None
) -> Evaluation:
    """Play one greedy episode in every copy of ``env``.

    Args:
        env: batched, on the learner's device; its reward is what ``return_mean`` sums.
        learner: who acts.
        seed: of the environment.
        watch: called with the first and every following step.
    """
    with torch.no_grad():
        step = env.reset(seed)
        num_envs, device = env.num_envs, step.reward.device
        playing = torch.ones(num_envs, device=device)
        won = torch.zeros(num_envs, device=device)
        kept = torch.ones(num_envs, device=device)
        total = torch.zeros(2, num_envs, device=device)
        memory = learner.begin(num_envs)
        for _ in range(env.horizon or LONGEST_EPISODE):
            if watch is not None:
                watch(step)
            decision = learner.act(step, memory)
            memory = decision.memory
            step = env.step(decision.action)
            won = torch.maximum(won, playing * step.success.float())
            total += torch.stack([playing * step.reward.mean(-1), playing])
            kept = kept - playing * (step.done & ~step.finished).float()
            playing = playing * (~step.done).float()
            if not bool(playing.any()):
                break
        if watch is not None:
            watch(step)
    episodes = int(kept.sum())
    rate, returns, steps = ((torch.vstack([won, total]) * kept).sum(-1) / max(episodes, 1)).tolist()
    return Evaluation(rate, returns, steps, episodes)
