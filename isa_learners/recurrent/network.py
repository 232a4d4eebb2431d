"""What recurrent networks of policies and values share: everything before their outputs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from isa_learners.recurrent.gru import gru


class Recurrent(nn.Module):
    """Linear -> ReLU -> GRU; a subclass makes outputs of hidden states.

    Args:
        input_size: F.
        hidden: width of the first layer and of the GRU.
    """

    def __init__(self, input_size: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.embed = nn.Linear(input_size, hidden)
        self.gru = nn.GRU(hidden, hidden)

    def forward(self, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Take one step.

        Args:
            inputs: ``[N streams, F]``.
            hidden: ``[N, H]``.

        Returns:
            Outputs ``[N, outputs]`` and the hidden state after the step ``[N, H]``.
        """
        streams = inputs.shape[0]  # which may be traced, where len() is a number
        features = self.features(inputs, hidden, [streams], inputs.new_ones(streams, 1))
        return self.decode(features), features

    def features(
        self, inputs: Tensor, hidden: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
    ) -> Tensor:
        """Return the GRU's hidden state after every step; see :func:`~isa_learners.recurrent.gru.gru`."""
        return gru(self.gru, torch.relu(self.embed(inputs)), hidden, sizes, keep, alive)

    @abstractmethod
    def decode(self, features: Tensor) -> Tensor:
        """Map hidden states ``[..., H]`` to outputs ``[..., outputs]``."""


class RecurrentLinear(Recurrent):
    """Linear -> ReLU -> GRU -> Linear, initialised as torch does.

    Args:
        input_size: F.
        hidden: width of the first layer and of the GRU.
        outputs: of each hidden state.
    """

    def __init__(self, input_size: int, hidden: int, outputs: int) -> None:
        super().__init__(input_size, hidden)
        self.head = nn.Linear(hidden, outputs)

    def decode(self, features: Tensor) -> Tensor:
        """Map hidden states ``[..., H]`` to outputs ``[..., outputs]``."""
        outputs: Tensor = self.head(features)
        return outputs
