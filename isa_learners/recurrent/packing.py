"""Layout of a rollout's steps for a recurrent pass: only steps of living agents, or all steps in fixed shapes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """R steps of N streams, the first steps of all streams first; a stream is one agent in one environment.

    While an agent is dead, its hidden state does not change.

    Attributes:
        rows: ``[R]`` index of each step in the rollout flattened from ``[T, B, A]``.
        streams: ``[N]`` indices of the streams, flattened from ``[B, A]``, those with most steps first.
        sizes: number of streams that have a first, a second, ... step; they sum to R.
        keep: ``[R, 1]`` float, 0 where an episode began since the stream's previous step, else 1.
        alive: ``[R]`` float, 1 where the agent is alive.
        every: whether steps of dead agents are included.
    """

    rows: Tensor
    streams: Tensor
    sizes: list[int]
    keep: Tensor
    alive: Tensor
    every: bool


class EveryStep:
    """Lays out all steps in shapes that depend only on the rollout's, which avoids synchronisation with the device.

    Args:
        alive: ``[T, B, A]`` float, 1 where the agent acts.
        start: ``[T, B]`` bool, an episode starts at this step.
    """

    def __init__(self, alive: Tensor, start: Tensor) -> None:
        self.agents = alive.shape[-1]
        self.alive = alive.flatten(1)
        self.keep = (~start).to(alive.dtype).repeat_interleave(self.agents, dim=1)
        self.rows = torch.arange(self.alive.numel(), device=alive.device).view_as(self.alive)

    def pack(self, envs: Tensor | None = None, agent: int | None = None) -> Packing:
        """Lay out the steps of some or all environments, and of one or all agents."""
        length, width = self.rows.shape
        streams = _streams(width, self.agents, envs, agent, self.rows.device)
        rows, keep, alive = (x[:, streams].flatten() for x in (self.rows, self.keep, self.alive))
        return Packing(rows, streams, [len(streams)] * length, keep[:, None], alive, every=True)

    def where(self, mask: Tensor) -> Tensor:
        """Return all rows, as ``mask`` ``[T, B, A]`` may hold at any of them."""
        return self.rows.flatten()

    def hidden_after(self, row: Tensor, packing: Packing, features: Tensor, first: Tensor) -> Tensor:
        """Look up hidden states; see :meth:`LivingSteps.hidden_after`."""
        return features[row]


class LivingSteps:
    """Lays out only the steps at which agents are alive.

    Args:
        alive: ``[T, B, A]`` float, 1 where the agent acts.
        start: ``[T, B]`` bool, an episode starts at this step.

    Example:
        >>> alive = torch.tensor([[[1, 1]], [[0, 1]], [[1, 1]]]).float()  # the first agent misses a step
        >>> packing = LivingSteps(alive, torch.tensor([[True], [False], [True]])).pack()
        >>> packing.sizes, packing.streams.tolist(), packing.rows.tolist(), packing.keep[:, 0].tolist()
        ([2, 2, 1], [1, 0], [1, 0, 3, 4, 5], [0.0, 0.0, 1.0, 0.0, 0.0])
    """

    def __init__(self, alive: Tensor, start: Tensor) -> None:
        living = alive.flatten(1) != 0
        self.agents = alive.shape[-1]
        self.count = living.sum(0)
        self.done = living.cumsum(0)  # living steps so far, including this one
        self.episode = start.cumsum(0).repeat_interleave(self.agents, dim=1)
        # For each stream the living steps in order, then the others, and their episodes.
        self.steps = (~living).byte().argsort(dim=0, stable=True)
        self.episodes = self.episode.gather(0, self.steps)
        episodes_before = torch.cat([torch.zeros_like(self.episodes[:1]), self.episodes[:-1]])
        self.keep = (self.episodes == episodes_before).float()

    def pack(self, envs: Tensor | None = None, agent: int | None = None) -> Packing:
        """Lay out the living steps of some or all environments, and of one or all agents."""
        length, width = self.steps.shape
        streams = _streams(width, self.agents, envs, agent, self.steps.device)
        count, order = self.count[streams].sort(descending=True, stable=True)
        streams = streams[order]
        living = torch.arange(length, device=streams.device)[:, None] < count
        rows = (self.steps[:, streams] * width + streams)[living]
        sizes = [size for size in living.sum(1).tolist() if size]
        keep = self.keep[:, streams][living][:, None]
        return Packing(rows, streams, sizes or [0], keep, torch.ones_like(keep[:, 0]), every=False)

    def where(self, mask: Tensor) -> Tensor:
        """Return the rows at which ``mask`` ``[T, B, A]`` holds."""
        return mask.flatten().nonzero()[:, 0]

    def hidden_after(self, row: Tensor, packing: Packing, features: Tensor, first: Tensor) -> Tensor:
        """Look up hidden states.

        Args:
            row: ``[M]`` indices in the rollout flattened from ``[T, B, A]``.
            packing: layout of all environments.
            features: ``[R, H]`` hidden states after its steps.
            first: ``[B * A, H]`` hidden states before the rollout.

        Returns:
            ``[M, H]`` state of each stream after the step, or after its last living step before.
        """
        time = row // self.steps.shape[1]
        stream = row % self.steps.shape[1]
        position = self.done[time, stream] - 1
        offset = torch.tensor([0, *packing.sizes], device=time.device).cumsum(0)
        rank = torch.empty_like(packing.streams)
        rank[packing.streams] = torch.arange(len(rank), device=time.device)
        last_living = position.clamp(min=0)
        episode = self.episode[time, stream]
        in_episode = (position >= 0) & (self.episodes[last_living, stream] == episode)
        place = torch.where(in_episode, offset[last_living] + rank[stream], 0)
        before_living = first[stream] * (episode == 0)[:, None]  # later episodes started with zeros
        return torch.where(in_episode[:, None], features[place], before_living) if len(features) else before_living


def layout_of(fixed_shapes: str, device: str) -> type[EveryStep | LivingSteps]:
    """Choose the layout of steps: all of them for fixed shapes, else only living ones, which costs less on CPU.

    Args:
        fixed_shapes: ``always``, ``never``, or ``auto`` for fixed shapes only on CUDA.
        device: device of the learner.

    Example:
        >>> [layout_of("auto", device).__name__ for device in ("cpu", "cuda", "cuda:1")]
        ['LivingSteps', 'EveryStep', 'EveryStep']
        >>> layout_of("always", "cpu").__name__
        'EveryStep'
    """
    every_step = device.startswith("cuda") if fixed_shapes == "auto" else fixed_shapes == "always"
    return EveryStep if every_step else LivingSteps


def _streams(width: int, agents: int, envs: Tensor | None, agent: int | None, device: torch.device) -> Tensor:
    """Return the indices of the streams of some or all environments, and of one or all agents."""
    streams = torch.arange(width, device=device).view(-1, agents)
    streams = streams if envs is None else streams[envs]
    return streams.flatten() if agent is None else streams[:, agent]
