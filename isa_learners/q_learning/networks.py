"""The recurrent network of the agents' values."""

from __future__ import annotations

from torch import Tensor, nn

from isa_learners.recurrent.network import Recurrent


class QNet(Recurrent):
    """Linear -> ReLU -> GRU -> Linear, shared by all agents, initialised as torch does.

    Source: Rashid et al., 2018 (arXiv 1803.11485), Appendix C.2.

    Args:
        input_size: F.
        hidden: width of the first layer and of the GRU.
        num_actions: n.
    """

    def __init__(self, input_size: int, hidden: int, num_actions: int) -> None:
        super().__init__(input_size, hidden)
        self.head = nn.Linear(hidden, num_actions)

    def decode(self, features: Tensor) -> Tensor:
        """Map hidden states ``[..., H]`` to values ``[..., n]``."""
        values: Tensor = self.head(features)
        return values
