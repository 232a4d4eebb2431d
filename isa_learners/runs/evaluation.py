"""Greedy evaluation: every copy of a batched environment plays one episode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from isa_learners.ppo.losses import masked_log_softmax
from isa_learners.ppo.networks import RecurrentNet
from isa_learners.rollout import InputEncoder
from isa_wrappers.batch.protocol import BatchEnv, BatchStep

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
    env: BatchEnv,
    actor: RecurrentNet,
    encoder: InputEncoder,
    seed: int,
    watch: Callable[[BatchStep], None] | None = None,
) -> Evaluation:
    """Play one greedy episode in every copy of ``env``.

    Args:
        env: batched, on the actor's device; its reward is what ``return_mean`` sums.
        actor: the policy.
        encoder: builds its inputs.
        seed: of the environment.
        watch: called with the first and every following step.
    """
    with torch.no_grad():
        step = env.reset(seed)
        num_envs, num_agents = step.reward.shape
        playing = torch.ones(num_envs, device=step.reward.device)
        won = torch.zeros(num_envs, device=step.reward.device)
        kept = torch.ones(num_envs, device=step.reward.device)
        total = torch.zeros(2, num_envs, device=step.reward.device)
        last_action = torch.full((num_envs, num_agents), encoder.num_actions, device=step.reward.device)
        hidden = torch.zeros(num_envs * num_agents, actor.hidden, device=step.reward.device)
        for _ in range(env.horizon or LONGEST_EPISODE):
            if watch is not None:
                watch(step)
            logits, after = actor(encoder(step.obs, last_action).flatten(0, 1), hidden)
            hidden = torch.where(step.alive.flatten()[:, None], after, hidden)
            last_action = masked_log_softmax(logits.view(num_envs, num_agents, -1), step.available).argmax(-1)
            step = env.step(last_action)
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
