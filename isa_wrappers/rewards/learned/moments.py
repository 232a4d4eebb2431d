"""The running deviation of returns: what bonuses are normalised by."""

from __future__ import annotations

import torch
from torch import Tensor

from isa_wrappers.moments import RunningMoments


class ReturnScale:
    """The running deviation of discounted returns ``R <- gamma R + r``, which do not end with episodes.

    Args:
        gamma: discount.
        device: torch device.

    Source: arXiv 1810.12894, Section 2.4.
    """

    def __init__(self, gamma: float, device: str = "cpu") -> None:
        self.gamma = gamma
        self.moments = RunningMoments(1, device)
        self.returns = torch.zeros(0, 0, dtype=torch.float64, device=device)

    def update(self, paid: Tensor, acted: Tensor) -> None:
        """Take in what ``[N, R]`` streams are paid in a step; those that did not act stand still."""
        if self.returns.shape != paid.shape:
            self.returns = torch.zeros_like(paid, dtype=torch.float64)
        self.returns = torch.where(acted, self.gamma * self.returns + paid.double(), self.returns)
        self.moments.update(self.returns.reshape(-1, 1), acted.reshape(-1))

    def __call__(self, paid: Tensor) -> Tensor:
        """Return ``paid`` divided by the deviation."""
        return paid / self.moments.deviation.float()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the returns and their moments."""
        moments = {f"moments.{name}": value for name, value in self.moments.state_dict().items()}
        return {"returns": self.returns, **moments}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.returns = state["returns"]
        self.moments.load_state_dict({name: state[f"moments.{name}"] for name in self.moments.state_dict()})
