"""What the networks see: own observation, own last action, agent id."""

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
        sizes: of the environment.
        obs_scale: multiplies the observation.
        device: torch device.
        head: how actions are chosen and encoded; by default the one that suits the environment.
        scaled: what is made of observations ``[..., A, O]`` in the place of multiplying them.

    Attributes:
        size: F, length of an input.
        none: what stands in the place of no last action.
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
        self.size = sizes.obs_size + self.head.encoded + sizes.num_agents
        self._id = torch.eye(sizes.num_agents, device=device)

    def __call__(self, obs: Tensor, last_action: Tensor) -> Tensor:
        """Return ``[..., A, F]`` for ``obs`` ``[..., A, O]`` and the last actions as the head has them."""
        ids = self._id.expand(*obs.shape[:-1], -1)
        return torch.cat([self._scaled(obs), self.head.encode(last_action), ids], dim=-1)

    def after(self, rollout: Rollout, action: Tensor, everywhere: bool = False) -> Tensor:
        """Return what is seen after the steps of a rollout, before an automatic reset: ``[T, B, A, F]``.

        On CPU it is written only where anybody looks: in environments whose episode, or an agent's part in it, ends
        with the step, and in all of them after the last step. The rest is zeros in memory that is never touched, which
        takes no room.

        Args:
            rollout: T steps.
            action: ``[T, B, A]`` (and ``[d]``) of the steps, as the head has them.
            everywhere: write it after every step: the host would wait for the device to learn where ends are.
        """
        if everywhere or action.is_cuda:
            return self(rollout.final_obs, action)
        ends = rollout.done | rollout.cut.any(-1)
        ends[-1] = True
        inputs = torch.from_numpy(np.zeros((*rollout.final_obs.shape[:-1], self.size), dtype=np.float32))
        inputs[ends] = self(rollout.final_obs[ends], action[ends])
        return inputs
