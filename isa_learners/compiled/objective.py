"""The clipped objectives of PPO, each as one compiled operation."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor

from isa_learners.compiled.library import library


def supports(logits: Tensor) -> bool:
    """Return whether the compiled operation is available for these logits: float32 on CPU."""
    return logits.device.type == "cpu" and logits.dtype == torch.float32 and library() is not None


def policy_objective(
    logits: Tensor,
    available: Tensor,
    action: Tensor,
    old_log_prob: Tensor,
    advantage: Tensor,
    masks: tuple[Tensor, Tensor],
    clip: float,
    entropy_factor: float,
) -> tuple[Tensor, Tensor]:
    """Compute the objective of a policy that chooses one of n actions, and its metrics.

    Args:
        logits: ``[R, n]``, for which :func:`supports` is true.
        available: ``[R, n]`` bool.
        action: ``[R]`` int64, available wherever the policy chose it.
        old_log_prob: ``[R]`` log-probabilities under the policy that acted.
        advantage: ``[R]``.
        masks: ``[R]`` float each; steps that the policy chose, and steps whose entropy counts.
        clip: clipping range of the ratio.
        entropy_factor: factor of the mean entropy.

    Returns:
        ``loss - entropy_factor * entropy``, and ``[4]`` loss, entropy, divergence and share of clipped ratios; see
        :func:`isa_learners.ppo.losses.policy_objective`.
    """
    arrays = (x.contiguous() for x in (available, action, old_log_prob, advantage, *masks))
    objective: tuple[Tensor, Tensor] = _PolicyObjective.apply(  # type: ignore[no-untyped-call]
        logits, clip, entropy_factor, *arrays
    )
    return objective


class _PolicyObjective(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, clip: float, entropy_factor: float, *arrays: Tensor) -> tuple[Tensor, Tensor]:
        logits = logits.contiguous()
        figures, gradient = logits.new_empty(4), torch.empty_like(logits)
        library().isa_policy_objective(  # type: ignore[union-attr]
            *(ctypes.c_void_p(x.data_ptr()) for x in (logits, *arrays)),
            *(ctypes.c_int64(x) for x in logits.shape),
            *(ctypes.c_float(x) for x in (clip, entropy_factor)),
            *(ctypes.c_void_p(x.data_ptr()) for x in (figures, gradient)),
        )
        ctx.gradient = gradient
        ctx.mark_non_differentiable(figures)
        return figures[0] - entropy_factor * figures[1], figures

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.gradient * gradients[0], None, None, *[None] * 6


def value_objective(
    value: Tensor, old_value: Tensor, target: Tensor, mask: Tensor, clip: float, huber: float = 0.0
) -> Tensor:
    """Compute :func:`isa_learners.ppo.losses.value_loss` for ``[R]`` each, if :func:`supports` is true for ``value``.

    Args:
        value: current values.
        old_value: values before the update.
        target: target values.
        mask: float, 1 where a value counts.
        clip: clipping range of the change of the value.
        huber: threshold of the Huber loss; 0 for the squared error.
    """
    loss: Tensor = _ValueObjective.apply(  # type: ignore[no-untyped-call]
        value, clip, huber, *(x.contiguous() for x in (old_value, target, mask))
    )
    return loss


class _ValueObjective(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, clip: float, huber: float, *arrays: Tensor) -> Tensor:
        value = value.contiguous()
        function = library().isa_value_objective  # type: ignore[union-attr]
        function.restype = ctypes.c_float
        ctx.gradient = torch.empty_like(value)
        pointers = (ctypes.c_void_p(x.data_ptr()) for x in (value, *arrays))
        numbers = ctypes.c_int64(len(value)), ctypes.c_float(clip), ctypes.c_float(huber)
        return torch.full((), function(*pointers, *numbers, ctypes.c_void_p(ctx.gradient.data_ptr())))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.gradient * gradients[0], None, None, *[None] * 3
