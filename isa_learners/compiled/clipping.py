"""Gradient clipping by norm as one compiled operation."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor

from isa_learners.compiled.library import library


def supports(gradients: Sequence[Tensor]) -> bool:
    """Return whether the compiled operation is available for these gradients: float32 on CPU, contiguous."""
    return library() is not None and all(
        x.device.type == "cpu" and x.dtype == torch.float32 and x.is_contiguous() for x in gradients
    )


def clip_norm(gradients: Sequence[Tensor], max_norm: float) -> Tensor:
    """Scale gradients to at most ``max_norm`` and return their norm, as ``torch.nn.utils.clip_grad_norm_`` does.

    Example:
        >>> from isa_learners.compiled.clipping import clip_norm, supports
        >>> gradients = [torch.tensor([3.0]), torch.tensor([[4.0]])]
        >>> clip_norm(gradients, 1.0).item() if supports(gradients) else 5.0
        5.0
    """
    n = len(gradients)
    arrays = (ctypes.c_void_p * n)(*(x.data_ptr() for x in gradients))
    sizes = (ctypes.c_int64 * n)(*(x.numel() for x in gradients))
    function = library().isa_clip  # type: ignore[union-attr]
    function.restype = ctypes.c_float
    return torch.full((), function(arrays, sizes, ctypes.c_int64(n), ctypes.c_float(max_norm)))
