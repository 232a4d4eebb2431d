"""The optimisers that learners take by name."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

OPTIMIZERS = ("rmsprop", "adam")
"""RMSprop averages squares over some 100 steps (alpha 0.99), as the programs of QMIX and COMA do."""


def optimizer_for(kind: str, parameters: Iterable[nn.Parameter], lr: float, eps: float) -> torch.optim.Optimizer:
    """Make an optimiser.

    Args:
        kind: one of :data:`OPTIMIZERS`.
        parameters: what it trains.
        lr: learning rate.
        eps: its epsilon.
    """
    if kind == "adam":
        return torch.optim.Adam(parameters, lr=lr, eps=eps, fused=True)
    return torch.optim.RMSprop(parameters, lr=lr, alpha=0.99, eps=eps)
