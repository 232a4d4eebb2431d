"""The predictor of LAIES: change of the external state for the actions taken and for counterfactual ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isa_wrappers.rewards.learned.networks import multi_hot


class InfluencePredictor(nn.Module):
    """``(s, a_1 .. a_A) -> change of the external state``: linear, ReLU, GRU over the episode, linear.

    Args:
        state_size: length of the state, K.
        num_agents: number of agents, A.
        num_actions: maximum number of actions of an agent, n.
        hidden: width, H.
        external: number of dimensions of the external state, E.
        component: component that each elementary action belongs to, ``[A, n]``.

    Source: Liu et al., ICML 2023; predicting the change instead of the next state gives the same influences.
    """

    component: Tensor

    def __init__(
        self, state_size: int, num_agents: int, num_actions: int, hidden: int, external: int, component: Tensor
    ) -> None:
        super().__init__()
        self.sizes = num_agents, num_actions, hidden
        self.linear = nn.Linear(state_size + num_agents * num_actions, hidden)
        self.gru = nn.GRUCell(hidden, hidden)
        self.last = nn.Linear(hidden, external)
        for layer in (self.linear, self.last):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.register_buffer("component", component, persistent=False)

    def embed(self, state: Tensor, actions: Tensor, acted: Tensor) -> Tensor:
        """Return the outputs of the first layer before ReLU, ``[..., H]``.

        Args:
            state: states, ``[..., K]``.
            actions: elementary actions, ``[..., A, d]``.
            acted: whether each agent acted, ``[..., A]`` bool; actions of the others are ignored.
        """
        one_hot = multi_hot(actions, self.sizes[1]) * acted[..., None]
        embedded: Tensor = self.linear(torch.cat([state, one_hot.flatten(-2)], -1))
        return embedded

    def forward(self, embedded: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return the change of the external state ``[M, E]`` and the hidden state ``[M, H]`` after a step."""
        hidden = self.gru(embedded.relu(), hidden)
        return self.last(hidden), hidden

    def counterfactual(self, embedded: Tensor, actions: Tensor, hidden: Tensor) -> Tensor:
        """Return the predicted change if one agent had taken another action, ``[N, A, n, E]``.

        Args:
            embedded: embedding of the taken actions, ``[N, H]``; results for agents that did not act are meaningless.
            actions: taken actions, ``[N, A, d]``; one component is replaced at a time.
            hidden: hidden state before the step, ``[N, H]``.
        """
        agents, count, width = self.sizes
        per_action = self.linear.weight[:, -agents * count :].T.reshape(agents, count, width)
        rows = torch.arange(agents, device=actions.device)[:, None]
        taken = actions.clamp(0, count - 1)[:, rows, self.component]
        swapped = embedded[:, None, None] + per_action - per_action[rows, taken]
        before = hidden[:, None, None].expand(swapped.shape)
        changes = self.forward(swapped.flatten(0, 2), before.flatten(0, 2))[0]
        return changes.view(*swapped.shape[:3], -1)


def influences(change: Tensor, counterfactual: Tensor, available: Tensor) -> Tensor:
    """Compute ``IDI_i = || f(s, a) - mean_b f(s, (b, a_-i)) ||^2`` over available ``b``.

    Args:
        change: predicted change for the taken actions, ``[N, E]``.
        counterfactual: predicted change if agent i takes b instead of its own action, ``[N, A, n, E]``.
        available: available actions, ``[N, A, n]`` bool.

    Returns:
        ``[N, A]``; 0 for an agent without available actions.

    Example:
        >>> free = torch.tensor([[[True, True, False]]])
        >>> influences(torch.tensor([[2.0]]), torch.tensor([[[[2.0], [0.0], [9.0]]]]), free).tolist()
        [[1.0]]
    """
    weight = available.to(change.dtype)[..., None]
    mean = (counterfactual * weight).sum(-2) / weight.sum(-2).clamp(min=1.0)
    return (change[:, None] - mean).square().sum(-1) * available.any(-1)
