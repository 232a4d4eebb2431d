"""The recurrent network of actor and critic, and the running normalisation of values."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from isa_learners.recurrent.network import Recurrent

OUTPUT_GAIN = 0.01


class RecurrentNet(Recurrent):
    """Linear -> ReLU -> GRU -> LayerNorm -> Linear, orthogonal, shared by all agents.

    Source: arXiv 2505.08630, appendix (network architecture).

    Args:
        input_size: F.
        hidden: width of the first layer and of the GRU.
        output_size: number of logits, or 1 for a value.
    """

    def __init__(self, input_size: int, hidden: int, output_size: int) -> None:
        super().__init__(input_size, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, output_size)
        self._initialise()

    def _initialise(self) -> None:
        gains = {"embed": nn.init.calculate_gain("relu"), "gru": 1.0, "head": OUTPUT_GAIN}
        for name, parameter in self.named_parameters():
            part = name.split(".")[0]
            if parameter.ndim == 1:
                nn.init.constant_(parameter, 1.0 if name == "norm.weight" else 0.0)
            elif part == "gru":
                for gate in parameter.data.chunk(3):
                    nn.init.orthogonal_(gate, gains[part])
            else:
                nn.init.orthogonal_(parameter, gains[part])

    def decode(self, features: Tensor) -> Tensor:
        """Map hidden states ``[..., H]`` to outputs ``[..., output_size]``."""
        outputs: Tensor = self.head(self.norm(features))
        return outputs


class PerAgentNet(nn.Module):
    """One :class:`RecurrentNet` for each agent.

    Args:
        num_agents: A.
        input_size: F.
        hidden: width of the first layers and of the GRUs.
        output_size: of each.
    """

    def __init__(self, num_agents: int, input_size: int, hidden: int, output_size: int) -> None:
        super().__init__()
        self.nets = nn.ModuleList(RecurrentNet(input_size, hidden, output_size) for _ in range(num_agents))

    def of(self, agent: int) -> RecurrentNet:
        """Return an agent's own network."""
        net = self.nets[agent]
        return cast("RecurrentNet", net)

    def forward(self, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Take one step; see :meth:`~isa_learners.recurrent.network.Recurrent.forward`.

        Args:
            inputs: ``[B * A, F]``, agents innermost.
            hidden: ``[B * A, H]``.
        """
        agents = len(self.nets)
        each = [self.of(agent)(inputs[agent::agents], hidden[agent::agents]) for agent in range(agents)]
        outputs, after = (torch.stack(x, dim=1).flatten(0, 1) for x in zip(*each, strict=True))
        return outputs, after


class ValueNorm(nn.Module):
    """Running mean and variance of returns: an exponential average without its start-up bias.

    Args:
        decay: of the average, per update.

    Example:
        >>> norm = ValueNorm()
        >>> norm.update(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0]))
        >>> norm.normalize(torch.tensor([1.0, 3.0])).tolist()
        [-1.0, 1.0]
    """

    def __init__(self, decay: float = 0.99) -> None:
        super().__init__()
        self.decay = decay
        self.moments: Tensor
        self.weight: Tensor
        self.register_buffer("moments", torch.zeros(2, dtype=torch.float64))
        self.register_buffer("weight", torch.zeros((), dtype=torch.float64))

    def update(self, returns: Tensor, mask: Tensor) -> None:
        """Take in ``returns`` where ``mask`` is 1 (same shape)."""
        total = mask.sum().clamp(min=1.0)
        batch = torch.stack([(returns * mask).sum() / total, (returns.square() * mask).sum() / total])
        self.moments.mul_(self.decay).add_(batch.double(), alpha=1.0 - self.decay)
        self.weight.mul_(self.decay).add_(1.0 - self.decay)

    def _mean_std(self) -> tuple[Tensor, Tensor]:
        moments = self.moments / self.weight.clamp(min=1e-8)
        std = (moments[1] - moments[0].square()).clamp(min=1e-6).sqrt()
        known = self.weight > 0
        return torch.where(known, moments[0], 0.0).float(), torch.where(known, std, 1.0).float()

    def normalize(self, values: Tensor) -> Tensor:
        """Subtract the mean and divide by the standard deviation."""
        mean, std = self._mean_std()
        return (values - mean) / std

    def denormalize(self, values: Tensor) -> Tensor:
        """Undo :meth:`normalize`."""
        mean, std = self._mean_std()
        return values * std + mean
