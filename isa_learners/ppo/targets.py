"""What an update of PPO aims at: advantages for the policies, returns for each head of the critic."""

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
    """What an update aims at, fixed before its first epoch.

    Attributes:
        advantage: ``[T, B, A]``, of all heads together, normalised over the steps that policies chose.
        value: ``[T, B, A, V]``, normalised values before the update, of each of the critic's heads.
        target: ``[T, B, A, V]``, normalised returns.
    """

    advantage: Tensor
    value: Tensor
    target: Tensor


@dataclass
class _Head:
    """What a head of the critic values.

    Attributes:
        reward: ``[T, B, A]``, discounted by ``gamma``.
        dead_lambda: lambda where the agent is dead, ``None`` for the same as elsewhere.
        ahead: what comes after each step.
    """

    reward: Tensor
    gamma: float
    dead_lambda: float | None
    ahead: Ahead


def targets_of(
    critic: Network, norms: Sequence[ValueNorm], data: Batch, steps: EveryStep | LivingSteps, config: PPOConfig
) -> tuple[Targets, Tensor]:
    """Compute advantages and returns with the critic as it is; also its last state ``[B, A, S]``.

    Args:
        critic: of one output for each norm: the first values the environment's reward until the episode ends, a second
            one the bonus, whose return goes on across episodes.
        norms: of the returns; they take these in.
        data: what is learned from.
        steps: lays the data out.
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
            # The dead have no value of their own (nothing trains it); what the team earns later reaches an agent
            # from beyond its death through the lambda-return, and a bonus of later episodes undiminished by lambda.
            value = data.reward.new_zeros(data.reward.numel())
            value[packing.rows] = norm.denormalize(outputs[:, index]) * packing.alive
            following = value.view(shape).roll(-1, dims=0).flatten()
            counts = head.ahead.known.flatten()[rows]
            following[rows] = torch.where(counts, norm.denormalize(last_outputs[:, index]), following[rows])
            v_tp1 = torch.where(head.ahead.lasts & ~lost, following.view(shape), 0.0)
            value = value.view(shape)
            # A step that was lost with its game earned what its state is worth: nothing is learned of it or before it.
            reward = torch.where(lost, value, head.reward)
            gae_lambda = _lambdas(data, config, head.dead_lambda)
            advantage = advantages(reward, value, v_tp1, head.ahead.ends | lost, head.gamma, gae_lambda)
            returns = advantage + value
            norm.update(returns, data.alive * ~lost)
            # The critic's output means something else once the norm has moved: bring old values along.
            of_heads.append((advantage, norm.normalize(value), norm.normalize(returns)))
        advantage, value, target = (torch.stack(each, dim=-1) for each in zip(*of_heads, strict=True))
        targets = Targets(normalize(advantage.sum(-1), data.chosen), value, target)
        count = data.reward.numel()
        last_rows = torch.arange(count - len(first_state), count, device=first_state.device)
        last_state = steps.hidden_after(last_rows, packing, states, first_state)
    return targets, last_state.view(*shape[1:], first_state.shape[-1])


def _lambdas(data: Batch, config: PPOConfig, dead_lambda: float | None) -> float | Tensor:
    """Return lambda of each step's successor; where the agent is dead then, ``dead_lambda`` if there is one."""
    if dead_lambda is None:
        return config.gae_lambda
    return torch.where(data.alive.roll(-1, dims=0) > 0, config.gae_lambda, dead_lambda)


def _across_episodes(within: Ahead) -> Ahead:
    """Tell what follows each step if the next episode follows an end, and the last observation the rollout."""
    ends = torch.zeros_like(within.ends)
    ends[-1].fill_(True)
    known = within.known & ends
    return Ahead(known, ends, known | ~ends)
