"""The interface of policy and value networks, and base classes for recurrent ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from isa_learners.compiled import network as compiled
from isa_learners.recurrent.gru import gru


class Network(nn.Module, ABC):
    """A network that processes one step of N streams, or all steps of a rollout.

    A stream is one agent in one environment. A subclass defines :meth:`forward` and, if it has memory,
    :attr:`state_size`. It can also override :meth:`unroll`
    with a faster computation of a whole rollout. It is created with the keyword arguments
    ``(input_size, hidden, output_size, layers)``.

    Attributes:
        state_size: S, size of the state; the state is zero at an episode's start. 0 for a network without memory.

    Example:
        >>> class Sum(Network):
        ...     state_size = 1
        ...
        ...     def forward(self, inputs, state):
        ...         state = state + inputs.sum(-1, keepdim=True)
        ...         return 10.0 * state, state
        >>> inputs, sizes, keep = torch.tensor([[1.0], [2.0], [3.0]]), [2, 1], torch.ones(3, 1)
        >>> Sum().unroll(inputs, torch.zeros(2, 1), sizes, keep)[0].tolist()  # the first stream has a second step
        [[10.0], [20.0], [40.0]]
    """

    state_size: int = 0

    @abstractmethod
    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Process one step.

        Args:
            inputs: ``[N streams, F]``.
            state: ``[N, S]``.

        Returns:
            Outputs ``[N, outputs]`` and the state after the step ``[N, S]``.
        """

    def unroll(
        self, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Process all steps of a rollout, by default by calling :meth:`forward` for each of them.

        Args:
            inputs: ``[R, F]`` first steps of all streams, then the second steps of those that have one, and so on.
            state: ``[N, S]`` states before the first steps; no gradient flows to them.
            sizes: number of streams that have a first, a second, ... step; they sum to R.
            keep: ``[R, 1]`` 0 where an episode starts and the state is reset to zero, else 1.
            alive: ``[R]`` 0 where the state does not change, else 1; ``None`` for all 1.

        Returns:
            Outputs ``[R, outputs]`` and the states after the steps ``[R, S]``.
        """
        if not self.state_size:  # without memory, earlier steps do not matter
            return self(inputs, state.new_zeros(len(inputs), 0))  # type: ignore[no-any-return]
        outputs = []
        states = []
        first = 0
        for n in sizes:
            rows = slice(first, first + n)
            before = state[:n] * keep[rows]
            output, state = self(inputs[rows], before)
            if alive is not None:
                state = torch.where(alive[rows, None] > 0, state, before)
            outputs.append(output)
            states.append(state)
            first += n
        return torch.cat(outputs), torch.cat(states)


class Layered(Network):
    """Layers of Linear -> ReLU; a subclass defines the rest.

    Args:
        input_size: F.
        hidden: width of the part after the layers.
        layers: widths of the layers; empty means one layer of width ``hidden``.

    Attributes:
        width: width of the last layer.
    """

    def __init__(self, input_size: int, hidden: int, layers: Sequence[int] = ()) -> None:
        super().__init__()
        self.hidden = hidden
        widths = tuple(layers) or (hidden,)
        self.width = widths[-1]
        self.embed = nn.Linear(input_size, widths[0])
        self.deeper = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))

    def embedded(self, inputs: Tensor) -> Tensor:
        """Map inputs ``[R, F]`` to the output of the layers ``[R, width]``."""
        values = torch.relu(self.embed(inputs))
        for layer in self.deeper:
            values = torch.relu(layer(values))
        return values

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Process one step; see :meth:`Network.forward`."""
        streams = inputs.shape[0]  # not len(), which tracing would fix
        return self.unroll(inputs, state, [streams], inputs.new_ones(streams, 1))


class Recurrent(Layered):
    """Layers -> GRU; a subclass maps hidden states, which are the whole memory, to outputs.

    Args:
        input_size: F.
        hidden: width of the GRU.
        layers: widths of the layers before it; empty means one layer as wide as the GRU.
    """

    def __init__(self, input_size: int, hidden: int, layers: Sequence[int] = ()) -> None:
        super().__init__(input_size, hidden, layers)
        self.state_size = hidden
        self.gru = nn.GRU(self.width, hidden)

    def unroll(
        self, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Process all steps of a rollout; see :meth:`Network.unroll`."""
        features = self.features(inputs, state, sizes, keep, alive)
        return self.decode(features), features

    def features(
        self, inputs: Tensor, hidden: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
    ) -> Tensor:
        """Return the GRU's hidden state after every step; see :func:`~isa_learners.recurrent.gru.gru`."""
        return gru(self.gru, self.embedded(inputs), hidden, sizes, keep, alive)

    @abstractmethod
    def decode(self, features: Tensor) -> Tensor:
        """Map hidden states ``[..., H]`` to outputs ``[..., outputs]``."""


class RecurrentLinear(Recurrent):
    """Linear -> ReLU -> GRU -> Linear, initialised as torch does.

    Args:
        input_size: F.
        hidden: width of the first layer and of the GRU.
        outputs: number of outputs.
    """

    def __init__(self, input_size: int, hidden: int, outputs: int) -> None:
        super().__init__(input_size, hidden)
        self.head = nn.Linear(hidden, outputs)

    def unroll(
        self, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Process all steps of a rollout, compiled if available; see :mod:`isa_learners.compiled`."""
        if type(self).decode is RecurrentLinear.decode and compiled.supports(self, inputs):
            return compiled.unroll(self, inputs, state, sizes, keep, alive)
        return super().unroll(inputs, state, sizes, keep, alive)

    def decode(self, features: Tensor) -> Tensor:
        """Map hidden states ``[..., H]`` to outputs ``[..., outputs]``."""
        outputs: Tensor = self.head(features)
        return outputs
