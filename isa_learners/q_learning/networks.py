"""The recurrent network of the agents' values."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from isa_learners.recurrent.gru import gru


class QNet(nn.Module):
    """Linear -> ReLU -> GRU -> Linear, shared by all agents, initialised as torch does.

    Source: Rashid et al., 2018 (arXiv 1803.11485), Appendix C.2.

    Args:
        input_size: F.
        hidden: width of the first layer and of the GRU.
        num_actions: n.
    """

    def __init__(self, input_size: int, hidden: int, num_actions: int) -> None:
        super().__init__()
        self.embed = nn.Linear(input_size, hidden)
        self.gru = nn.GRU(hidden, hidden)
        self.head = nn.Linear(hidden, num_actions)

    def forward(self, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Take one step.

        Args:
            inputs: ``[N streams, F]``.
            hidden: ``[N, H]``.

        Returns:
            Values ``[N, n]`` and the hidden state after the step ``[N, H]``.
        """
        features = self.features(inputs, hidden, [len(inputs)], inputs.new_ones(len(inputs), 1))
        return self.decode(features), features

    def features(
        self, inputs: Tensor, hidden: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
    ) -> Tensor:
        """Return the GRU's hidden state after every step; see :func:`~isa_learners.recurrent.gru.gru`."""
        return gru(self.gru, torch.relu(self.embed(inputs)), hidden, sizes, keep, alive)

    def decode(self, features: Tensor) -> Tensor:
        """Map hidden states ``[..., H]`` to values ``[..., n]``."""
        values: Tensor = self.head(features)
        return values
