"""Cutting a rollout at episode starts into padded sequences, so that the GRU runs over each in one fused call."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from isa_learners.rollout import Rollout


@dataclass
class Sequences:
    """S sequences of at most L steps, each within one episode; N = S * A streams, agents side by side.

    Attributes:
        inputs: ``[L + 1, N, F]``; after a sequence's last step stands the input it is bootstrapped from.
        available: ``[L, N, n]`` bool.
        mask: ``[L, N]`` 1 where the step is real and the agent alive.
        next_alive: ``[L, N]`` 1 where the agent is alive after the step.
        valid: ``[L, N]`` 1 where the step is real.
        action: ``[L, N]``.
        log_prob: ``[L, N]``.
        reward: ``[L, N]``.
        terminated: ``[L, N]`` 1 where the episode ended by itself.
        actor_hidden: ``[N, H]`` at the first step.
        critic_hidden: ``[N, H]`` at the first step.
        last: ``[B]`` and ``[B]``: step and sequence that hold each environment's last step.
    """

    inputs: Tensor
    available: Tensor
    mask: Tensor
    next_alive: Tensor
    valid: Tensor
    action: Tensor
    log_prob: Tensor
    reward: Tensor
    terminated: Tensor
    actor_hidden: Tensor
    critic_hidden: Tensor
    last: tuple[Tensor, Tensor]


def split_at_starts(start: Tensor) -> tuple[Tensor, Tensor]:
    """Number the steps within sequences, and the sequences.

    Args:
        start: ``[T, B]`` bool, an episode starts at this step.

    Returns:
        ``[T, B]`` step within its sequence and ``[T, B]`` sequence; sequences of one environment are adjacent.

    Example:
        >>> step, sequence = split_at_starts(torch.tensor([[False, True], [True, False]]))
        >>> step.tolist(), sequence.tolist()
        ([[0, 0], [0, 1]], [[0, 2], [1, 2]])
    """
    begins = start.clone()
    begins[0] = True
    time = torch.arange(len(start), device=start.device)[:, None]
    step = time - torch.where(begins, time, 0).cummax(dim=0).values
    order = begins.T.reshape(-1).cumsum(0).view(begins.shape[1], -1).T - 1
    return step, order


def to_sequences(rollout: Rollout) -> Sequences:
    """Cut ``rollout`` at episode starts and pad."""
    step, order = split_at_starts(rollout.start)
    steps, num_envs = rollout.start.shape
    num_agents = rollout.reward.shape[-1]
    length, count = int(step.max()) + 1, int(order[-1, -1]) + 1

    def place(x: Tensor, rows: int = length) -> Tensor:
        """``[T, B, A, ...]`` -> ``[rows, S * A, ...]``, zeros in the padding."""
        out = x.new_zeros(rows, count, *x.shape[2:])
        out[step, order] = x
        return out.flatten(1, 2)

    inputs = rollout.inputs.new_zeros(length + 1, count, *rollout.inputs.shape[2:])
    inputs[step, order] = rollout.inputs
    ends = rollout.done.clone()
    ends[-1] = True
    inputs[step[ends] + 1, order[ends]] = rollout.final_inputs[ends]

    def first_hidden(hidden: Tensor) -> Tensor:
        """``[1, B, A, H]`` -> ``[S * A, H]``: kept where a rollout starts within an episode, else zero."""
        out = hidden.new_zeros(count, *hidden.shape[2:])
        out[order[0]] = hidden[0]
        return out.flatten(0, 1)

    def each_agent(x: Tensor) -> Tensor:
        return x.float()[..., None].expand(steps, num_envs, num_agents)

    return Sequences(
        inputs=inputs.flatten(1, 2),
        available=place(rollout.available),
        mask=place(rollout.alive),
        next_alive=place(rollout.next_alive),
        valid=place(each_agent(torch.ones_like(rollout.start))),
        action=place(rollout.action),
        log_prob=place(rollout.log_prob),
        reward=place(rollout.reward),
        terminated=place(each_agent(rollout.terminated)),
        actor_hidden=first_hidden(rollout.actor_hidden),
        critic_hidden=first_hidden(rollout.critic_hidden),
        last=(step[-1], order[-1]),
    )
