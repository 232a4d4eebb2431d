"""Means and deviations over what counts, at once and as it comes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isa_wrappers.axes import Float, Real


def masked_mean(x: Real[Tensor, "*any"], mask: Real[Tensor, "*any"]) -> Float[Tensor, ""]:
    """Average ``x`` where ``mask`` (of the same shape) holds; 0 where it does nowhere.

    Example:
        >>> import torch
        >>> masked_mean(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([1.0, 0.0, 1.0])).item()
        3.5
    """
    return (x * mask).sum() / mask.sum().clamp(min=1)


class RunningMoments(nn.Module):
    """Mean and variance of N quantities over all rows so far, in float64, as if they had come at once.

    Source: Chan, Golub and LeVeque, 1979 (the pairwise update of sums of squares).

    Args:
        size: N.
        device: torch device.
        apart: each quantity is counted by itself; else a row counts whole or not at all.
        smallest: a variance up to this counts as none.

    Example:
        >>> moments = RunningMoments(1)
        >>> moments.update(torch.tensor([[1.0], [3.0]]), torch.tensor([True, True]))
        >>> moments.update(torch.tensor([[5.0], [9.0]]), torch.tensor([True, False]))
        >>> moments.mean.tolist(), round(moments.deviation.item(), 3)
        ([3.0], 1.633)
    """

    def __init__(self, size: int, device: str = "cpu", apart: bool = False, smallest: float = 0.0) -> None:
        super().__init__()
        self.apart, self.smallest = apart, smallest
        self.count: Tensor
        self.mean: Tensor
        self.squares: Tensor
        for name, shape in (("count", (size,) if apart else ()), ("mean", (size,)), ("squares", (size,))):
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64, device=device))

    def update(self, rows: Tensor, counted: Tensor) -> None:
        """Take in ``rows`` ``[M, N]`` where ``counted`` holds: ``[M]``, or ``[M, N]`` if each is counted by itself."""
        weight = counted.double()
        each = weight if self.apart else weight[:, None]
        rows = torch.where(each > 0, rows.double(), 0.0)
        new = weight.sum(0)
        mean = (rows * each).sum(0) / new.clamp(min=1.0)
        squares = ((rows - mean).square() * each).sum(0)
        total = self.count + new
        gap = mean - self.mean
        self.squares = self.squares + squares + gap.square() * self.count * new / total.clamp(min=1.0)
        self.mean = self.mean + gap * new / total.clamp(min=1.0)
        self.count = total

    @property
    def deviation(self) -> Tensor:
        """``[N]`` float64; 1 where nothing has varied yet."""
        variance = self.squares / self.count.clamp(min=1.0)
        return torch.where(variance > self.smallest, variance, 1.0).sqrt()

    def whiten(self, rows: Tensor, clip: float) -> Tensor:
        """Return ``(x - mean) / deviation`` ``[..., N]`` float32, cut off at ``clip`` on either side."""
        return ((rows.double() - self.mean) / self.deviation).clamp(-clip, clip).float()
