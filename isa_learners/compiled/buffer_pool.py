"""A pool of buffers that are used again: new pages cost as much as the arithmetic done in them."""

from __future__ import annotations

from threading import Lock

import torch
from torch import Tensor


class Pool:
    """Keeps buffers of float32 numbers to be used again.

    Args:
        most: bytes kept in it.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.free: list[Tensor] = []
        self.lock = Lock()  # actor and critic are updated side by side

    def take(self, size: int) -> Tensor:
        """Return float32 memory of at least ``size`` numbers, with anything in it."""
        with self.lock:
            for index, memory in enumerate(self.free):
                if size <= memory.numel() <= 4 * size:
                    return self.free.pop(index)
        return torch.empty(size)

    def give(self, memory: Tensor) -> None:
        """Take memory back."""
        with self.lock:
            self.free.append(memory)
            while sum(4 * x.numel() for x in self.free) > self.most:
                self.free.pop(0)


POOL = Pool(2**28)
"""Shared by all compiled operations: it keeps at most 256 MB."""
