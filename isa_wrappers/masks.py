"""Masked means."""

from __future__ import annotations

from torch import Tensor

from isa_wrappers.axes import Float, Real


def masked_mean(x: Real[Tensor, "*any"], mask: Real[Tensor, "*any"]) -> Float[Tensor, ""]:
    """Average ``x`` where ``mask`` (of the same shape) is true; return 0 if it is never true.

    Example:
        >>> import torch
        >>> masked_mean(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([1.0, 0.0, 1.0])).item()
        3.5
    """
    return (x * mask).sum() / mask.sum().clamp(min=1)
