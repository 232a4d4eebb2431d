"""Which steps count, and means over them."""

from __future__ import annotations

from torch import Tensor

from isa_wrappers.axes import Bool, Float, Real


def chosen_steps(
    alive: Float[Tensor, "time envs agents"],
    probe: Bool[Tensor, "time envs agents"],
    lost: Bool[Tensor, "time envs"],
) -> Float[Tensor, "time envs agents"]:
    """Return 1 where the policy chose the action: the agent acted, not probed, in no step lost with its game; else 0.

    Example:
        >>> import torch
        >>> probe, lost = torch.tensor([[[False, True]], [[False, False]]]), torch.tensor([[False], [True]])
        >>> chosen_steps(torch.ones(2, 1, 2), probe, lost).tolist()
        [[[1.0, 0.0]], [[0.0, 0.0]]]
    """
    return alive * (~(probe | lost[..., None])).to(alive.dtype)


def masked_mean(x: Real[Tensor, "*any"], mask: Real[Tensor, "*any"]) -> Float[Tensor, ""]:
    """Average ``x`` where ``mask`` (of the same shape) holds; 0 where it does nowhere.

    Example:
        >>> import torch
        >>> masked_mean(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([1.0, 0.0, 1.0])).item()
        3.5
    """
    return (x * mask).sum() / mask.sum().clamp(min=1)
