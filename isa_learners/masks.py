"""Masks of steps that count."""

from __future__ import annotations

from torch import Tensor

from isa_wrappers.axes import Bool, Float
from isa_wrappers.masks import masked_mean

__all__ = ["chosen_steps", "masked_mean"]


def chosen_steps(
    alive: Float[Tensor, "time envs agents"],
    probe: Bool[Tensor, "time envs agents"],
    lost: Bool[Tensor, "time envs"],
) -> Float[Tensor, "time envs agents"]:
    """Return 1 where the policy chose the action: the agent acted, without probe, in a step not lost; else 0.

    Example:
        >>> import torch
        >>> probe, lost = torch.tensor([[[False, True]], [[False, False]]]), torch.tensor([[False], [True]])
        >>> chosen_steps(torch.ones(2, 1, 2), probe, lost).tolist()
        [[[1.0, 0.0]], [[0.0, 0.0]]]
    """
    return alive * (~(probe | lost[..., None])).to(alive.dtype)
