"""What the networks see: own observation, own last action, agent id."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from isa_learners.heads import ActionHead, head_for
from isa_learners.rollout import Sizes


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
