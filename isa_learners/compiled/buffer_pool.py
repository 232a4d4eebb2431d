"""A pool of reusable buffers, as allocating new pages costs as much as computing in them."""

from __future__ import annotations

from threading import Lock

import torch
from torch import Tensor


class Pool:
    """Keeps float32 buffers for reuse.

    Args:
        max_bytes: maximum number of bytes in the pool.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.free: list[Tensor] = []
        self.lock = Lock()  # actor and critic are updated in parallel

    def take(self, size: int) -> Tensor:
        """Return uninitialised float32 memory for at least ``size`` numbers."""
        with self.lock:
            for index, memory in enumerate(self.free):
                if size <= memory.numel() <= 4 * size:
                    return self.free.pop(index)
        return torch.empty(size)

    def give(self, memory: Tensor) -> None:
        """Return memory to the pool."""
        with self.lock:
            self.free.append(memory)
            while sum(4 * x.numel() for x in self.free) > self.max_bytes:
                self.free.pop(0)


POOL = Pool(2**28)
"""The pool of all compiled operations, with at most 256 MB."""
