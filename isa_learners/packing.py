"""The living steps of a rollout laid out for a recurrent pass: nothing is computed for the dead, nothing is padded."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """R steps of N streams, the first steps of all streams first; a stream is one agent in one environment.

    Attributes:
        rows: ``[R]`` where each stands in a rollout flattened from ``[T, B, A]``.
        streams: ``[N]`` which streams, flattened from ``[B, A]``, those with most steps first.
        sizes: streams that have a first, a second, ... step; they sum to R.
        keep: ``[R, 1]`` float, 0 where an episode began since the stream's step before, else 1.
    """

    rows: Tensor
    streams: Tensor
    sizes: list[int]
    keep: Tensor


class LivingSteps:
    """Finds the steps at which agents live. While an agent is dead, its hidden state stands still.

    Args:
        alive: ``[T, B, A]``, not 0 where the agent acts.
        start: ``[T, B]`` bool, an episode starts at this step.

    Example:
        >>> alive = torch.tensor([[[1, 1]], [[0, 1]], [[1, 1]]])  # one environment; the first agent misses a step
        >>> steps = LivingSteps(alive, torch.tensor([[True], [False], [True]]))
        >>> packing = steps.pack()
        >>> packing.sizes, packing.streams.tolist(), packing.rows.tolist(), packing.keep[:, 0].tolist()
        ([2, 2, 1], [1, 0], [1, 0, 3, 4, 5], [0.0, 0.0, 1.0, 0.0, 0.0])
    """

    def __init__(self, alive: Tensor, start: Tensor) -> None:
        here = alive.flatten(1) != 0
        self.agents = alive.shape[-1]
        self.count = here.sum(0)
        self.done = here.cumsum(0)  # living steps so far, this one included
        self.episode = start.cumsum(0).repeat_interleave(self.agents, dim=1)
        # Of each stream the living steps in order, then the others; and the episodes that they belong to.
        self.steps = (~here).byte().argsort(dim=0, stable=True)
        self.episodes = self.episode.gather(0, self.steps)
        before = torch.cat([torch.zeros_like(self.episodes[:1]), self.episodes[:-1]])
        self.keep = (self.episodes == before).float()

    def pack(self, envs: Tensor | None = None) -> Packing:
        """Lay out the living steps of some environments, or of all."""
        length, width = self.steps.shape
        streams = torch.arange(width, device=self.steps.device)
        if envs is not None:
            streams = streams.view(-1, self.agents)[envs].flatten()
        count, order = self.count[streams].sort(descending=True, stable=True)
        streams = streams[order]
        here = torch.arange(length, device=streams.device)[:, None] < count
        rows = (self.steps[:, streams] * width + streams)[here]
        sizes = [size for size in here.sum(1).tolist() if size]
        return Packing(rows, streams, sizes or [0], self.keep[:, streams][here][:, None])

    def hidden_after(self, time: Tensor, stream: Tensor, packing: Packing, features: Tensor, first: Tensor) -> Tensor:
        """Look up hidden states.

        Args:
            time: ``[M]`` steps.
            stream: ``[M]`` streams.
            packing: of all environments.
            features: ``[R, H]`` the hidden states after its steps.
            first: ``[B * A, H]`` the hidden states before the rollout.

        Returns:
            ``[M, H]`` each stream's state after the step, or after its last living step before.
        """
        position = self.done[time, stream] - 1
        offset = torch.tensor([0, *packing.sizes], device=time.device).cumsum(0)
        rank = torch.empty_like(packing.streams)
        rank[packing.streams] = torch.arange(len(rank), device=time.device)
        lived, now = position.clamp(min=0), self.episode[time, stream]
        seen = (position >= 0) & (self.episodes[lived, stream] == now)
        row = torch.where(seen, offset[lived] + rank[stream], 0)
        rest = first[stream] * (now == 0)[:, None]  # an episode that began in this rollout began with zeros
        return torch.where(seen[:, None], features[row], rest) if len(features) else rest
