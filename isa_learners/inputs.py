"""What the networks see: own observation, own last action, agent id."""

from __future__ import annotations

import torch
from torch import Tensor

from isa_learners.rollout import Sizes


class InputEncoder:
    """Builds network inputs: own observation, own last action (one-hot), agent id (one-hot).

    Args:
        sizes: of the environment.
        obs_scale: multiplies the observation.
        device: torch device.

    Attributes:
        size: F, length of an input.
        none: the code of no last action: n.
    """

    def __init__(self, sizes: Sizes, obs_scale: float, device: str) -> None:
        self.none = sizes.num_actions
        self.obs_scale = obs_scale
        self.size = sizes.obs_size + sizes.num_actions + sizes.num_agents
        self._id = torch.eye(sizes.num_agents, device=device)
        # Row n is all zeros: no last action at an episode's start.
        self._one_hot = torch.eye(sizes.num_actions + 1, device=device)[:, : sizes.num_actions].contiguous()

    def __call__(self, obs: Tensor, last_action: Tensor) -> Tensor:
        """Return ``[..., A, F]`` for ``obs`` ``[..., A, O]`` and ``last_action`` ``[..., A]`` (n: none)."""
        ids = self._id.expand(*obs.shape[:-1], -1)
        return torch.cat([obs * self.obs_scale, self._one_hot[last_action], ids], dim=-1)
