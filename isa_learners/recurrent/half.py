"""Network passes in bfloat16 with float32 weights."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.func import functional_call

from isa_learners.recurrent.network import Network


def unroll_in_bf16(
    net: Network, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Compute :meth:`~isa_learners.recurrent.network.Network.unroll` in bfloat16, with gradients for the weights.

    Args:
        net: float32 network.
        inputs: ``[R, F]``.
        state: ``[N, S]``.
        sizes: number of streams at each step.
        keep: ``[R, 1]``.
        alive: ``[R]`` or ``None``.

    Returns:
        Outputs ``[R, outputs]`` and states ``[R, S]`` as float32.

    Example:
        >>> import torch
        >>> from isa_learners.recurrent.network import RecurrentLinear
        >>> net, x, h, keep = RecurrentLinear(3, 8, 2), torch.randn(6, 3), torch.zeros(2, 8), torch.ones(6, 1)
        >>> full, half = net.unroll(x, h, [2] * 3, keep)[0], unroll_in_bf16(net, x, h, [2] * 3, keep)[0]
        >>> half.dtype, 0.0 < float((full - half).abs().max().detach()) < 0.02
        (torch.float32, True)
    """
    tensors = (*net.named_parameters(), *net.named_buffers())
    weights = {f"net.{name}": value.bfloat16() if value.is_floating_point() else value for name, value in tensors}
    sequence = inputs.bfloat16(), state.bfloat16(), sizes, keep.bfloat16(), alive
    outputs, states = functional_call(_Unrolled(net), weights, sequence)
    return outputs.float(), states.float()


class _Unrolled(nn.Module):
    """A module that calls ``unroll`` of another one."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net = net

    def forward(self, *sequence: object) -> tuple[Tensor, Tensor]:
        return self.net.unroll(*sequence)  # type: ignore[arg-type]
