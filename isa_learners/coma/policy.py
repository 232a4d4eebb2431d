"""The policy of COMA and its counterfactual advantage, as pure functions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isa_learners.heads import masked_log_softmax
from isa_wrappers.axes import Bool, Float, Int


def mixed_log_probs(
    logits: Float[Tensor, "*any actions"], available: Bool[Tensor, "*any actions"], epsilon: float
) -> Float[Tensor, "*any actions"]:
    """Return log-probabilities of ``(1 - epsilon) softmax(z) + epsilon / n``, renormalised over available actions.

    Args:
        logits: ``[..., n]``.
        available: ``[..., n]`` bool.
        epsilon: share of the uniform distribution, in [0, 1].

    Returns:
        ``[..., n]``, with unavailable actions at a probability of exactly 0.

    Source: COMA (Foerster et al., 2018, arXiv 1705.08926), Section 5.

    Example:
        >>> logits, available = torch.tensor([3.0, 0.0]).log(), torch.tensor([True, True])
        >>> mixed_log_probs(logits.nan_to_num(neginf=-1e9), available, 0.4).exp()
        tensor([0.8000, 0.2000])
    """
    log_uniform = math.log(epsilon / logits.shape[-1]) if epsilon > 0.0 else -math.inf
    log_own = math.log1p(-epsilon) if epsilon < 1.0 else -math.inf
    mixed = torch.logaddexp(torch.log_softmax(logits, dim=-1) + log_own, logits.new_full((), log_uniform))
    return masked_log_softmax(mixed, available)


def counterfactual_advantage(
    values: Float[Tensor, "*any actions"], log_probs: Float[Tensor, "*any actions"], action: Int[Tensor, "*any"]
) -> Float[Tensor, "*any"]:
    """Compute ``A_i = Q(s, a) - sum_b pi_i(b) Q(s, (b, a_-i))``.

    Args:
        values: ``[..., n]`` values of agent i's actions b, those of the others as taken.
        log_probs: ``[..., n]`` log-probabilities of b under i's policy.
        action: ``[...]`` action of i.

    Returns:
        ``[...]``.

    Source: COMA (Foerster et al., 2018, arXiv 1705.08926), Eq. 4.

    Example:
        >>> half = torch.tensor([0.5, 0.5]).log()
        >>> counterfactual_advantage(torch.tensor([3.0, 1.0]), half, torch.tensor(0)).item()
        1.0
    """
    return values.gather(-1, action[..., None])[..., 0] - (log_probs.exp() * values).sum(-1)
