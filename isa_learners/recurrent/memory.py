"""The memory of a policy: its last action, and any hidden state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from isa_learners.inputs import InputEncoder
from isa_learners.learner import Memory
from isa_learners.rollout import Sizes
from isa_wrappers.batch import BatchStep


class RecurrentMemory:
    """The part of a learner that manages its memory: ``last_action``, and the state under :attr:`state_name`.

    Attributes:
        sizes: sizes of the environment.
        config: hyperparameters with ``hidden``, the width of the policy.
        device: torch device.
        encoder: builds the policy's inputs.
        state_name: name of the hidden state in the memory.
        state_size: length of the hidden state; 0 for a policy without one.
    """

    sizes: Sizes
    config: Any
    device: str
    encoder: InputEncoder
    state_name = "hidden"

    @property
    def state_size(self) -> int:  # noqa: D102
        return int(self.config.hidden)

    def begin(self, num_envs: int) -> Memory:
        """Return the memory at the start of episodes: a zero hidden state, if any, and no last action."""
        shape = num_envs, self.sizes.num_agents
        head = self.encoder.head
        memory = {"last_action": torch.full((*shape, *head.shape), head.none, dtype=head.dtype, device=self.device)}
        if self.state_size:
            memory[self.state_name] = torch.zeros(*shape, self.state_size, device=self.device)
        return memory

    def forget(self, memory: Memory, done: Tensor) -> Memory:
        """Return the memory, reset for the environments where ``done`` ``[B]``."""
        last = memory["last_action"]
        over = done.view(-1, *[1] * (last.ndim - 1))
        after = {"last_action": torch.where(over, self.encoder.none, last)}
        if self.state_name in memory:
            after[self.state_name] = torch.where(done[:, None, None], 0.0, memory[self.state_name])
        return after

    def _after(self, step: BatchStep, memory: Memory, action: Tensor, hidden: Tensor) -> Memory:
        """Return the memory after a step; agents that do not act keep theirs, so that updates can skip them."""
        acts = step.alive if action.ndim == 2 else step.alive[..., None]
        after = {"last_action": torch.where(acts, action, memory["last_action"])}
        if self.state_name in memory:
            before = memory[self.state_name]
            after[self.state_name] = torch.where(step.alive[..., None], hidden.view_as(before), before)
        return after
