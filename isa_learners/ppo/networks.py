"""Networks of actor and critic with a GRU, an LSTM or no memory, and the running normalisation of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from isa_learners.compiled import network as compiled
from isa_learners.recurrent.lstm import lstm
from isa_learners.recurrent.network import Layered, Network, Recurrent

OUTPUT_GAIN = 0.01
_GATES = {"gru": 3, "lstm": 4}


def orthogonal(net: nn.Module) -> None:
    """Initialise weights orthogonally, separately for each gate and with gains for ReLU, and biases with 0.

    The outputs of ``head`` start near 0, and a LayerNorm ``norm`` starts as the identity.

    Source: arXiv 2505.08630, appendix (network architecture).
    """
    gains = {**dict.fromkeys(_GATES, 1.0), "head": OUTPUT_GAIN}
    for name, parameter in net.named_parameters():
        part = name.split(".")[0]
        if parameter.ndim == 1:
            nn.init.constant_(parameter, 1.0 if name == "norm.weight" else 0.0)
            continue
        for gate in parameter.data.chunk(_GATES.get(part, 1)):
            nn.init.orthogonal_(gate, gains.get(part, nn.init.calculate_gain("relu")))


class RecurrentNet(Recurrent):
    """Layers -> GRU -> LayerNorm -> Linear, orthogonal.

    Source: arXiv 2505.08630, appendix (network architecture).

    Args:
        input_size: F.
        hidden: width of the GRU.
        output_size: number of logits, or 1 for a value.
        layers: widths of the layers, each Linear -> ReLU; empty means one layer as wide as the GRU.
    """

    def __init__(self, input_size: int, hidden: int, output_size: int, layers: Sequence[int] = ()) -> None:
        super().__init__(input_size, hidden, layers)
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, output_size)
        orthogonal(self)

    def unroll(
        self, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Process all steps of a rollout, compiled if available; see :mod:`isa_learners.compiled`."""
        if type(self) is RecurrentNet and compiled.supports(self, inputs):  # a subclass may decode differently
            return compiled.unroll(self, inputs, state, sizes, keep, alive)
        return super().unroll(inputs, state, sizes, keep, alive)

    def decode(self, features: Tensor) -> Tensor:
        """Map hidden states ``[..., H]`` to outputs ``[..., output_size]``."""
        outputs: Tensor = self.head(self.norm(features))
        return outputs


class LSTMNet(Layered):
    """Layers -> LSTM -> LayerNorm -> Linear, orthogonal. The state is ``(h, c)``, ``[N, 2 H]``.

    The forget gates start open, with a bias of 1.

    Source: Hochreiter and Schmidhuber, 1997; the bias: Jozefowicz et al., 2015.

    Args:
        input_size: F.
        hidden: H, width of the LSTM.
        output_size: number of logits, or 1 for a value.
        layers: widths of the layers, each Linear -> ReLU; empty means one layer as wide as the LSTM.
    """

    def __init__(self, input_size: int, hidden: int, output_size: int, layers: Sequence[int] = ()) -> None:
        super().__init__(input_size, hidden, layers)
        self.state_size = 2 * hidden
        self.lstm = nn.LSTM(self.width, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, output_size)
        orthogonal(self)
        nn.init.constant_(self.lstm.get_parameter("bias_ih_l0").data[hidden : 2 * hidden], 1.0)

    def unroll(
        self, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Process all steps of a rollout; see :meth:`~isa_learners.recurrent.network.Network.unroll`."""
        states = lstm(self.lstm, self.embedded(inputs), state, sizes, keep, alive)
        return self.head(self.norm(states[:, : self.hidden])), states


class MLPNet(Layered):
    """Layers -> Linear -> ReLU -> LayerNorm -> Linear, orthogonal. It has no memory, so one call processes a rollout.

    Args:
        input_size: F.
        hidden: width of the last hidden layer.
        output_size: number of logits, or 1 for a value.
        layers: widths of the layers before it, each Linear -> ReLU; empty means one layer of width ``hidden``.
    """

    def __init__(self, input_size: int, hidden: int, output_size: int, layers: Sequence[int] = ()) -> None:
        super().__init__(input_size, hidden, layers)
        self.last = nn.Linear(self.width, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, output_size)
        orthogonal(self)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Process any number of steps; see :meth:`~isa_learners.recurrent.network.Network.forward`."""
        return self.head(self.norm(torch.relu(self.last(self.embedded(inputs))))), state


class PerAgentNet(nn.Module):
    """A separate network for each agent.

    Args:
        nets: A networks with the same structure.

    Attributes:
        state_size: S of each network.
    """

    def __init__(self, nets: Sequence[Network]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)
        self.state_size = nets[0].state_size

    def of(self, agent: int) -> Network:
        """Return the network of an agent."""
        return cast("Network", self.nets[agent])

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Process one step; see :meth:`~isa_learners.recurrent.network.Network.forward`.

        Args:
            inputs: ``[B * A, F]``, agents innermost.
            state: ``[B * A, S]``.
        """
        agents = len(self.nets)
        results = [self.of(agent)(inputs[agent::agents], state[agent::agents]) for agent in range(agents)]
        outputs, states = (torch.stack(x, dim=1).flatten(0, 1) for x in zip(*results, strict=True))
        return outputs, states


class ValueNorm(nn.Module):
    """Running mean and variance of returns in float64, as bias-corrected exponential averages.

    Args:
        decay: decay of the averages per update.

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
        """Update with ``returns`` where ``mask`` (same shape) is 1."""
        returns, mask = returns.double(), mask.double()  # float32 is too imprecise for squares of large returns
        total = mask.sum().clamp(min=1.0)
        batch = torch.stack([(returns * mask).sum() / total, (returns.square() * mask).sum() / total])
        self.moments.mul_(self.decay).add_(batch, alpha=1.0 - self.decay)
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
