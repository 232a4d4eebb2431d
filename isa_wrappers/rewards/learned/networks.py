"""Networks of the learned rewards, and their seeds and inputs."""

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
    """Draw the initial weights of networks from a separate random stream; the global generator does not change."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(seed, stream))
        yield


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Create a network of ReLU layers with these widths and orthogonal initialisation; the last layer is linear.

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
    """Return a vector with 1 at each elementary action ``[..., d]`` of an agent: ``[..., size]`` float32.

    Entries of agents that did not act are meaningless and are clamped to valid actions.
    """
    flags = torch.zeros(*elementary.shape[:-1], size, device=elementary.device)
    return flags.scatter(-1, elementary.clamp(0, size - 1), 1.0)
