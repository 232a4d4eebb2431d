"""Network inputs: own observation, own last action and agent id."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from isa_learners.heads import ActionHead, head_for
from isa_learners.rollout import Rollout, Sizes


class InputEncoder:
    """Builds network inputs: own observation, own last action, agent id (one-hot).

    Args:
        sizes: sizes of the environment.
        obs_scale: factor of the observation.
        device: torch device.
        head: head that encodes actions; by default the one for the environment.
        scaled: function that scales observations ``[..., A, O]``, instead of ``obs_scale``.

    Attributes:
        size: F, length of an input.
        none: value that marks a missing last action.
    """

    def __init__(
        self,
        sizes: Sizes,
        obs_scale: float,
        device: str,
        head: ActionHead | None = None,
        scaled: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.head = head_for(sizes, device) if head is None else head
        self.none = self.head.none
        self._scaled = scaled if scaled is not None else lambda obs: obs * obs_scale
        self._obs_size = sizes.obs_size
        self.size = sizes.obs_size + self.head.encoded + sizes.num_agents
        self._id = torch.eye(sizes.num_agents, device=device)

    def __call__(self, obs: Tensor, last_action: Tensor) -> Tensor:
        """Return ``[..., A, F]`` for ``obs`` ``[..., A, O]`` and last actions in the format of the head."""
        ids = self._id.expand(*obs.shape[:-1], -1)
        return torch.cat([self._scaled(obs), self.head.encode(last_action), ids], dim=-1)

    def after(self, rollout: Rollout, action: Tensor, everywhere: bool = False) -> Tensor:
        """Return the inputs after the steps of a rollout, before an automatic reset: ``[T, B, A, F]``.

        On CPU, inputs are written only where they are read: in environments whose episode, or an agent's part in it,
        ends with the step, and in all environments after the last step. The rest is zeros in untouched memory, which
        takes no space.

        Args:
            rollout: T steps; its record holds the inputs before each.
            action: ``[T, B, A]`` (and ``[d]``) actions of the steps in the format of the head; ignored for agents that
                did not act.
            everywhere: write inputs after every step, as finding the ends needs synchronisation with the device.
        """
        before = rollout.record["inputs"]
        acted = rollout.alive[..., None] > 0
        if everywhere or action.is_cuda:
            return self._inputs_after(rollout.final_obs, action, acted, before)
        ends = rollout.done | rollout.cut.any(-1)
        ends[-1] = True
        inputs = torch.from_numpy(np.zeros((*rollout.final_obs.shape[:-1], self.size), dtype=np.float32))
        inputs[ends] = self._inputs_after(rollout.final_obs[ends], action[ends], acted[ends], before[ends])
        return inputs

    def _inputs_after(self, obs: Tensor, action: Tensor, acted: Tensor, before: Tensor) -> Tensor:
        """Return inputs after a step; an agent that did not act keeps its last action from the inputs ``before``."""
        inputs = self(obs, action)
        last = slice(self._obs_size, self._obs_size + self.head.encoded)
        inputs[..., last] = torch.where(acted, inputs[..., last], before[..., last])
        return inputs
