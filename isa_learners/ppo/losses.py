"""Losses of PPO, as pure functions of arrays of any shape, averaged over a mask."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import huber_loss

from isa_learners.heads import Policy
from isa_learners.masks import masked_mean
from isa_wrappers.axes import Float, Real


def normalize(advantage: Float[Tensor, "*any"], mask: Real[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Return ``advantage`` with mean 0 and standard deviation 1 over the mask."""
    mean = masked_mean(advantage, mask)
    variance = masked_mean((advantage - mean).square(), mask)
    return (advantage - mean) / (variance.sqrt() + 1e-5)


def policy_loss(
    log_prob: Float[Tensor, "*any"],
    old_log_prob: Float[Tensor, "*any"],
    advantage: Float[Tensor, "*any"],
    mask: Real[Tensor, "*any"],
    clip: float,
) -> Float[Tensor, ""]:
    """Compute the clipped policy loss ``-E min(rho A, clip(rho, 1 - c, 1 + c) A)``, rho = pi / pi_old.

    Source: Schulman et al., 2017 (arXiv 1707.06347), Eq. 7.
    """
    ratio = (log_prob - old_log_prob).exp()
    clipped = ratio.clamp(1.0 - clip, 1.0 + clip)
    return -masked_mean(torch.minimum(ratio * advantage, clipped * advantage), mask)


def policy_objective(
    policy: Policy,
    action: Tensor,
    old_log_prob: Float[Tensor, "steps"],
    advantage: Float[Tensor, "steps"],
    masks: tuple[Real[Tensor, "steps"], Real[Tensor, "steps"]],
    clip: float,
    entropy_factor: float | Tensor,
) -> tuple[Float[Tensor, ""], Float[Tensor, "4"]]:
    """Compute the policy's objective, the loss minus ``entropy_factor`` times the mean entropy, and its metrics.

    Args:
        policy: current policy.
        action: ``[R]`` or ``[R, d]`` actions taken.
        old_log_prob: ``[R]`` log-probabilities under the policy that acted.
        advantage: ``[R]``.
        masks: ``[R]`` each; steps that the policy chose, and steps whose entropy counts.
        clip: clipping range of the ratio.
        entropy_factor: factor of the mean entropy.

    Returns:
        The objective, and ``[4]`` policy loss, entropy, divergence and share of clipped ratios, without gradients.
    """
    chosen, alive = masks
    log_prob = policy.log_prob(action)
    # An action that the policy did not choose may have an infinite ratio, and infinity times a mask of 0 is NaN.
    old_log_prob = torch.where(chosen > 0, old_log_prob, log_prob.detach())
    loss = policy_loss(log_prob, old_log_prob, advantage, chosen, clip)
    entropy = masked_mean(policy.entropy(), alive)
    with torch.no_grad():
        log_ratio = log_prob - old_log_prob
        ratio = log_ratio.exp()
        kl = masked_mean(ratio - 1.0 - log_ratio, chosen)
        clip_share = masked_mean(((ratio - 1.0).abs() > clip).float(), chosen)
        figures = torch.stack([loss, entropy, kl, clip_share])
    return loss - entropy_factor * entropy, figures


def value_loss(
    value: Float[Tensor, "*any"],
    old_value: Float[Tensor, "*any"],
    target: Float[Tensor, "*any"],
    mask: Real[Tensor, "*any"],
    clip: float,
    huber: float = 0.0,
) -> Float[Tensor, ""]:
    """Compute the clipped value loss ``E max(l(v - y), l(clip(v, v_old - c, v_old + c) - y))``.

    ``l(e)`` is ``e^2``; with ``huber`` ``d`` above 0 ``e^2 / 2`` up to ``d``, and ``d (|e| - d / 2)`` beyond.

    Source: Schulman et al.'s PPO code as described in Engstrom et al., 2020 (arXiv 2005.12729), Section 3.
    """
    clipped = old_value + (value - old_value).clamp(-clip, clip)
    return masked_mean(torch.maximum(_loss(value - target, huber), _loss(clipped - target, huber)), mask)


def _loss(error: Tensor, huber: float) -> Tensor:
    return huber_loss(error, torch.zeros_like(error), reduction="none", delta=huber) if huber else error.square()
