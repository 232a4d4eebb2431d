"""Means over what counts."""

from __future__ import annotations

from torch import Tensor

from isa_wrappers.axes import Float, Real


def masked_mean(x: Real[Tensor, "*any"], mask: Real[Tensor, "*any"]) -> Float[Tensor, ""]:
    """Average ``x`` where ``mask`` (of the same shape) holds; 0 where it does nowhere.

    Example:
        >>> import torch
        >>> masked_mean(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([1.0, 0.0, 1.0])).item()
        3.5
    """
    return (x * mask).sum() / mask.sum().clamp(min=1)
