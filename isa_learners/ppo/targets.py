"""Targets of a PPO update: advantages for the policies, returns for each head of the critic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from isa_learners.ppo.batch import Batch
from isa_learners.ppo.config import PPOConfig
from isa_learners.ppo.losses import normalize
from isa_learners.ppo.networks import ValueNorm
from isa_learners.ppo.policy_update import unrolled
from isa_learners.recurrent.network import Network
from isa_learners.recurrent.packing import EveryStep, LivingSteps
from isa_learners.returns import Ahead, advantages, within_episodes


@dataclass
class Targets:
    """Targets of an update, computed before its first epoch.

    Attributes:
        advantage: ``[T, B, A]``, summed over all heads and normalised over the steps that policies chose.
        value: ``[T, B, A, V]``, normalised values before the update, for each head of the critic.
        target: ``[T, B, A, V]``, normalised returns.
    """

    advantage: Tensor
    value: Tensor
    target: Tensor


@dataclass
class _Head:
    """The target of a head of the critic.

    Attributes:
        reward: ``[T, B, A]``, discounted by ``gamma``.
        dead_lambda: lambda while the agent is dead; ``None`` for the same as elsewhere.
        ahead: description of what follows each step.
    """

    reward: Tensor
    gamma: float
    dead_lambda: float | None
    ahead: Ahead


def targets_of(
    critic: Network, norms: Sequence[ValueNorm], data: Batch, steps: EveryStep | LivingSteps, config: PPOConfig
) -> tuple[Targets, Tensor]:
    """Compute advantages and returns with the current critic, and its last state ``[B, A, S]``.

    Args:
        critic: network with one output per norm: the first estimates the environment's reward until the episode ends,
            an optional second one the bonus, whose return continues across episodes.
        norms: normalisations of the returns, which are updated.
        data: training data.
        steps: layout of the data.
        config: hyperparameters.
    """
    shape = data.reward.shape
    with torch.no_grad():
        packing = steps.pack()
        first_state = data.critic_hidden[0].flatten(0, 1)
        inputs = data.critic_inputs(packing.rows)
        outputs, states = unrolled(critic, inputs, data.critic_hidden, packing, config.bf16)
        within = within_episodes(data.done, data.terminated, data.cut, data.next_alive)
        lost = data.lost[..., None]
        heads = [_Head(data.reward, config.gamma, config.dead_lambda, within)]
        if len(norms) > 1:
            heads.append(_Head(data.bonus, config.bonus_gamma, 1.0, _across_episodes(within)))
        rows = steps.where(within.known)
        hidden = steps.hidden_after(rows, packing, states, first_state)
        last_outputs = critic(data.critic_inputs(rows, final=True), hidden)[0]
        of_heads = []
        for index, (norm, head) in enumerate(zip(norms, heads, strict=True)):
            # The value of dead agents is not trained. Rewards of the team after an agent's death reach it through the
            # lambda-return, and the bonus of later episodes with a lambda of 1.
            value = data.reward.new_zeros(data.reward.numel())
            value[packing.rows] = norm.denormalize(outputs[:, index]) * packing.alive
            following = value.view(shape).roll(-1, dims=0).flatten()
            counts = head.ahead.known.flatten()[rows]
            following[rows] = torch.where(counts, norm.denormalize(last_outputs[:, index]), following[rows])
            v_tp1 = torch.where(head.ahead.lasts & ~lost, following.view(shape), 0.0)
            value = value.view(shape)
            # The return of a lost step is the value of its state, so that nothing is learned from it or earlier steps.
            reward = torch.where(lost, value, head.reward)
            gae_lambda = _lambdas(data, config, head.dead_lambda)
            advantage = advantages(reward, value, v_tp1, head.ahead.ends | lost, head.gamma, gae_lambda)
            returns = advantage + value
            norm.update(returns, data.alive * ~lost)
            # The update of the norm changes the scale of the critic's outputs, so rescale the old values.
            of_heads.append((advantage, norm.normalize(value), norm.normalize(returns)))
        advantage, value, target = (torch.stack(values, dim=-1) for values in zip(*of_heads, strict=True))
        targets = Targets(normalize(advantage.sum(-1), data.chosen), value, target)
        count = data.reward.numel()
        last_rows = torch.arange(count - len(first_state), count, device=first_state.device)
        last_state = steps.hidden_after(last_rows, packing, states, first_state)
    return targets, last_state.view(*shape[1:], first_state.shape[-1])


def _lambdas(data: Batch, config: PPOConfig, dead_lambda: float | None) -> float | Tensor:
    """Return lambda for each step's successor: ``dead_lambda``, if set, where the agent is dead then."""
    if dead_lambda is None:
        return config.gae_lambda
    return torch.where(data.alive.roll(-1, dims=0) > 0, config.gae_lambda, dead_lambda)


def _across_episodes(within: Ahead) -> Ahead:
    """Return what follows each step if returns continue into the next episode."""
    ends = torch.zeros_like(within.ends)
    ends[-1].fill_(True)
    known = within.known & ends
    return Ahead(known, ends, known | ~ends)
