"""Networks of the learned rewards, and what they take and are trained by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor, nn

from isa_wrappers.arrays import stream_seed


@contextmanager
def seeded(seed: int, stream: str) -> Iterator[None]:
    """Draw networks' first weights from a stream of their own; the global generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(seed, stream))
        yield


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Make a network of ReLU layers between these widths, orthogonal at first; the last layer is linear.

    Example:
        >>> [tuple(p.shape) for p in mlp([3, 5, 2]).parameters()]
        [(5, 3), (5,), (2, 5), (2,)]
    """
    layers: list[nn.Module] = []
    for width, after in pairwise(sizes):
        linear = nn.Linear(width, after)
        nn.init.orthogonal_(linear.weight, sqrt(2))
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def multi_hot(elementary: Tensor, size: int) -> Tensor:
    """Return 1 at each of the elementary actions ``[..., d]`` of an agent: ``[..., size]`` float32.

    What stands for those that did not act means nothing, and is taken for an action that there is.
    """
    flags = torch.zeros(*elementary.shape[:-1], size, device=elementary.device)
    return flags.scatter(-1, elementary.clamp(0, size - 1), 1.0)
