"""What a recurrent policy of discrete actions carries from step to step: its hidden state and its last action."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from isa_learners.inputs import InputEncoder
from isa_learners.learner import Memory
from isa_learners.rollout import Sizes
from isa_wrappers.batch import BatchStep


class RecurrentMemory:
    """The part of a learner that begins and forgets: memory is ``last_action`` and ``hidden``.

    Attributes:
        sizes: of the environment.
        config: with ``hidden``, the width of the policy.
        device: torch device.
        encoder: builds the policy's inputs.
    """

    sizes: Sizes
    config: Any
    device: str
    encoder: InputEncoder

    def begin(self, num_envs: int) -> Memory:
        """Return the memory with which episodes start: no hidden state and no last action."""
        shape = num_envs, self.sizes.num_agents
        return {
            "last_action": torch.full(shape, self.encoder.none, device=self.device),
            "hidden": torch.zeros(*shape, self.config.hidden, device=self.device),
        }

    def forget(self, memory: Memory, done: Tensor) -> Memory:
        """Return the memory with the environments where ``done`` ``[B]`` at an episode's start."""
        return {
            "last_action": torch.where(done[:, None], self.encoder.none, memory["last_action"]),
            "hidden": torch.where(done[:, None, None], 0.0, memory["hidden"]),
        }

    @staticmethod
    def _after(step: BatchStep, memory: Memory, action: Tensor, hidden: Tensor) -> Memory:
        """Return the memory after a step: of who does not act it stands still, as it does in updates."""
        before = memory["hidden"]
        return {
            "last_action": torch.where(step.alive, action, memory["last_action"]),
            "hidden": torch.where(step.alive[..., None], hidden.view_as(before), before),
        }
