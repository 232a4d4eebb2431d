"""Generalised advantage estimation over whole sequences at once."""

from __future__ import annotations

import torch
from torch import Tensor


def discount_matrix(length: int, factor: float, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return ``M[t, u] = factor**(u - t)`` for u >= t, else 0: ``[L, L]``."""
    steps = torch.arange(length, device=device, dtype=torch.float64)
    ahead = steps[None, :] - steps[:, None]
    power = torch.where(
        ahead >= 0, torch.as_tensor(factor, dtype=torch.float64, device=device) ** ahead.clamp(min=0), 0.0
    )
    return power.to(dtype)


def advantages(r_t: Tensor, v_t: Tensor, v_tp1: Tensor, valid: Tensor, gamma: float, gae_lambda: float) -> Tensor:
    """Compute ``A_t = sum_u (gamma lambda)^(u-t) delta_u`` with ``delta_t = r_t + gamma v_tp1 - v_t``.

    The sum over later steps is one matrix product; there is no loop over time. Sequences never hold more than one
    episode, so nothing is cut inside one.

    Args:
        r_t: ``[L, N]`` rewards.
        v_t: ``[L, N]`` values.
        v_tp1: ``[L, N]`` values of the next observation; 0 after termination, the final observation's after truncation.
        valid: ``[L, N]`` 1 for real steps, 0 for padding.
        gamma: discount in [0, 1].
        gae_lambda: lambda in [0, 1].

    Returns:
        ``[L, N]``, 0 in the padding.

    Source: Schulman et al., 2016 (arXiv 1506.02438), Eq. 16.

    Example:
        >>> ones, zeros = torch.ones(3, 1), torch.zeros(3, 1)
        >>> advantages(ones, zeros, zeros, ones, gamma=0.5, gae_lambda=1.0)[:, 0].tolist()
        [1.75, 1.5, 1.0]
    """
    delta = (r_t + gamma * v_tp1 - v_t) * valid
    weights = discount_matrix(r_t.shape[0], gamma * gae_lambda, r_t.device, r_t.dtype)
    return (weights @ delta) * valid
