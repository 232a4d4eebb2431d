"""Linear -> ReLU -> GRU -> LayerNorm (or none) -> Linear over packed sequences as one compiled operation."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from isa_learners.compiled.buffer_pool import POOL
from isa_learners.compiled.library import library

_POINTER, _INDEX = ctypes.c_void_p, ctypes.c_int64
_WEIGHTS = ("embed", "embed_bias", "gru_in", "gru_own", "gru_in_bias", "gru_own_bias", "norm", "norm_bias", "head")


class _Network(ctypes.Structure):
    """As network.h has it."""

    _fields_ = (
        *((name, _INDEX) for name in ("hidden", "inputs", "outputs")),
        *((name, _POINTER) for name in (*_WEIGHTS, "head_bias")),
    )


class _Sequence(ctypes.Structure):
    """As network.h has it."""

    _fields_ = (
        *((name, _POINTER) for name in ("inputs", "state", "keep", "alive", "sizes")),
        *((name, _INDEX) for name in ("steps", "rows")),
    )


class Compilable(Protocol):
    """A network with only these layers, without ``deeper`` ones; the LayerNorm ``norm`` before the head is optional."""

    embed: nn.Linear
    deeper: nn.ModuleList
    gru: nn.GRU
    head: nn.Linear


def supports(net: Compilable, inputs: Tensor) -> bool:
    """Return whether the compiled operation is available: equal widths, float32 on CPU, no gradient of inputs.

    It reads memory directly, so weights must be present, contiguous, and of one GRU layer.
    """
    return (
        inputs.device.type == "cpu"
        and inputs.dtype == torch.float32
        and not inputs.requires_grad
        and net.gru.bias
        and net.gru.num_layers == 1
        and not net.gru.bidirectional
        and all(map(_is_dense, (*net.gru.parameters(), *_parameters_of(net.embed), *_parameters_of(net.head))))
        and net.embed.out_features == net.gru.input_size == net.gru.hidden_size
        and not len(net.deeper)
        and not torch.compiler.is_compiling()
        and library() is not None
    )


def _parameters_of(layer: nn.Linear) -> tuple[Tensor | None, ...]:
    return layer.weight, layer.bias


def _is_dense(weight: Tensor | None) -> bool:
    return (
        weight is not None and weight.dtype == torch.float32 and weight.device.type == "cpu" and weight.is_contiguous()
    )


def unroll(
    net: Compilable, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Process all steps of a rollout; see :func:`isa_learners.recurrent.gru.gru`.

    Sums are computed in another order than in torch; results agree to a relative error of some 1e-6.

    Args:
        net: network whose weights are used.
        inputs: ``[R, F]``, for which :func:`supports` is true.
        state: ``[N, H]`` states before the first steps.
        sizes: number of streams that have a first, a second, ... step; they sum to R.
        keep: ``[R, 1]``.
        alive: ``[R]`` or ``None``.

    Returns:
        Outputs ``[R, outputs]`` and hidden states ``[R, H]``.
    """
    norm = getattr(net, "norm", None)
    weights = [
        *(net.embed.weight, net.embed.bias, *net.gru.parameters()),
        *((None, None) if norm is None else (norm.weight, norm.bias)),
        *(net.head.weight, net.head.bias),
    ]
    outputs_and_states: tuple[Tensor, Tensor] = _Unrolled.apply(  # type: ignore[no-untyped-call]
        *(inputs.contiguous(), _as_floats(state), sizes, _as_floats(keep)),
        *(None if alive is None else _as_floats(alive), *weights),
    )
    return outputs_and_states


def _as_floats(tensor: Tensor) -> Tensor:
    """Convert numbers or flags for the compiled library: float32, contiguous."""
    return tensor.float().contiguous()


def _address(tensor: Tensor | None) -> int:
    """Return the address of a tensor's data; 0, the null pointer, for ``None``."""
    return 0 if tensor is None else tensor.data_ptr()


class _Call:
    """Pointers to a network and its sequence, with references to the memory that they point to."""

    def __init__(self, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Any, weights: Any):
        self.tensors = inputs, state, keep, alive, weights
        self.sizes = (_INDEX * len(sizes))(*sizes)
        (hidden, features), outputs = weights[0].shape, len(weights[-1])
        self.network = ctypes.byref(_Network(hidden, features, outputs, *map(_address, weights)))
        addresses = map(_address, (inputs, state, keep, alive))
        self.sequence = ctypes.byref(
            _Sequence(*addresses, ctypes.cast(self.sizes, _POINTER), len(self.sizes), len(inputs))
        )
        self.shape = len(inputs), hidden, outputs


class _Unrolled(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, state: Tensor, sizes: Sequence[int], keep: Tensor, alive: Any, *weights: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        call = _Call(inputs, state, sizes, keep, alive, weights)
        kernels = library()
        rows, hidden, outputs = call.shape
        output = inputs.new_empty(rows, outputs)
        states = inputs.new_empty(rows, hidden)
        scratch = POOL.take(_size("isa_forward_size", call))
        saved = POOL.take(_size("isa_saved_size", call)) if any(ctx.needs_input_grad) else None
        pointers = (_POINTER(_address(x)) for x in (output, states, saved, scratch))
        kernels.isa_forward(call.network, call.sequence, *pointers)  # type: ignore[union-attr]
        POOL.give(scratch)
        ctx.call, ctx.saved = call, saved
        ctx.set_materialize_grads(False)
        return output, states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        call = ctx.call
        saved = ctx.saved
        kernels = library()
        if saved is None:
            raise RuntimeError("the gradient of the compiled network can be computed only once")
        rows, _, outputs = call.shape
        weights = call.tensors[-1]
        d_outputs, d_states = (None if d is None else d.contiguous() for d in gradients)
        if d_outputs is None:
            d_outputs = weights[0].new_zeros(rows, outputs)
        d_weights = [None if x is None else torch.empty_like(x) for x in weights]
        scratch = POOL.take(_size("isa_backward_size", call))
        pointers = (_POINTER(_address(x)) for x in (d_outputs, d_states, saved, scratch))
        weight_pointers = (_POINTER * len(d_weights))(*map(_address, d_weights))
        kernels.isa_backward(call.network, call.sequence, *pointers, weight_pointers)  # type: ignore[union-attr]
        POOL.give(scratch)
        POOL.give(saved)
        ctx.saved = None
        return None, None, None, None, None, *d_weights


def _size(name: str, call: _Call) -> int:
    function = getattr(library(), name)
    function.restype = _INDEX
    size: int = function(call.network, call.sequence)
    return size
