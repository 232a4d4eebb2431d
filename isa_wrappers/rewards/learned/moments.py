"""Running means and deviations of inputs and returns, for normalising bonuses."""

from __future__ import annotations

import torch
from torch import Tensor


class RunningMoments:
    """Mean and variance of all rows so far, in float64, equal to those of a single batch (Chan et al., 1979).

    Args:
        size: length of a row, D.
        device: torch device.

    Example:
        >>> moments = RunningMoments(1)
        >>> moments.update(torch.tensor([[1.0], [3.0]]), torch.tensor([True, True]))
        >>> moments.update(torch.tensor([[5.0], [9.0]]), torch.tensor([True, False]))
        >>> moments.mean.tolist(), round(float(moments.deviation), 3)
        ([3.0], 1.633)
    """

    def __init__(self, size: int, device: str = "cpu") -> None:
        self.count = torch.zeros((), dtype=torch.float64, device=device)
        self.mean = torch.zeros(size, dtype=torch.float64, device=device)
        self.squares = torch.zeros(size, dtype=torch.float64, device=device)

    def update(self, rows: Tensor, counted: Tensor) -> None:
        """Add the rows ``[M, D]`` where ``counted`` ``[M]`` is true."""
        rows, weight = rows.double(), counted.double()
        new_count = weight.sum()
        at_least_one = new_count.clamp(min=1.0)
        mean = (rows * weight[:, None]).sum(0) / at_least_one
        squares = ((rows - mean).square() * weight[:, None]).sum(0)
        total = self.count + new_count
        mean_change = (mean - self.mean) * (new_count > 0)
        self.squares = self.squares + squares + mean_change.square() * self.count * new_count / total.clamp(min=1.0)
        self.mean = self.mean + mean_change * new_count / total.clamp(min=1.0)
        self.count = total

    @property
    def deviation(self) -> Tensor:
        """Standard deviation, ``[D]`` float64; 1 where the variance is still 0."""
        variance = self.squares / self.count.clamp(min=1.0)
        return torch.where(variance > 0, variance.sqrt(), torch.ones_like(variance))

    def whiten(self, rows: Tensor, clip: float) -> Tensor:
        """Return ``(x - mean) / deviation`` ``[..., D]`` float32, clipped to ``[-clip, clip]``."""
        return ((rows.double() - self.mean) / self.deviation).clamp(-clip, clip).float()

    def state_dict(self) -> dict[str, Tensor]:
        """Return count, means and sums of squares."""
        return {"count": self.count, "mean": self.mean, "squares": self.squares}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.count = state["count"]
        self.mean = state["mean"]
        self.squares = state["squares"]


class ReturnScale:
    """The running deviation of discounted returns ``R <- gamma R + r``, which continue across episodes.

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
        """Add the rewards of ``[N, R]`` streams in a step; streams that did not act do not change."""
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
