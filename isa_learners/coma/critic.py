"""The central critic of COMA: values of all actions of an agent, given the actions of the others."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isa_learners.rollout import Sizes


class CentralCritic(nn.Module):
    """Linear -> ReLU -> Linear -> ReLU -> Linear: ``Q(s, (., a_-i))`` for every action of agent i.

    Its input is the state, i's observation, the others' actions (without i's own, so that one pass returns the values
    of all its alternatives), the last actions of all agents, and i's id.

    Source: COMA (Foerster et al., 2018, arXiv 1705.08926), Section 4 and Figure 1c.

    Args:
        sizes: sizes of the environment.
        width: width of the hidden layers.
    """

    def __init__(self, sizes: Sizes, width: int) -> None:
        super().__init__()
        self.sizes = sizes
        agents, n = sizes.num_agents, sizes.num_actions
        self.input_size = sizes.state_size + sizes.obs_size + 2 * agents * n + agents
        self.layers = nn.Sequential(
            nn.Linear(self.input_size, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, n)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return values ``[..., n]`` of ``inputs`` ``[..., X]``."""
        values: Tensor = self.layers(inputs)
        return values

    def inputs(self, state: Tensor, own: Tensor, action: Tensor, alive: Tensor) -> Tensor:
        """Build inputs ``[..., A, X]``.

        Args:
            state: ``[..., K]``.
            own: ``[..., A, F]`` inputs of the actor: observation, last action, id.
            action: ``[..., A]`` int64 actions of all agents.
            alive: ``[..., A]`` float; dead agents have no action.
        """
        agents, n = self.sizes.num_agents, self.sizes.num_actions
        obs, last_action, ids = torch.split(own, [self.sizes.obs_size, n, agents], dim=-1)
        actions = torch.arange(n, device=own.device)
        one_hot = (action[..., None] == actions).to(own.dtype) * alive[..., None].to(own.dtype)
        others = one_hot[..., None, :, :] * (1.0 - torch.eye(agents, device=own.device, dtype=own.dtype))[..., None]
        states = state[..., None, :].expand(*own.shape[:-1], -1)
        last_actions = last_action.flatten(-2)[..., None, :].expand(*own.shape[:-1], -1)
        return torch.cat([states, obs, others.flatten(-2), last_actions, ids], dim=-1)
