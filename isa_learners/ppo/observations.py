"""Normalisation of observations and states by running means and deviations, updated once per rollout.

Parts of the global state in an observation, such as a goal, are normalised by the statistics of the state, as goals
are too few for statistics of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from isa_learners.rollout import Sizes
from isa_wrappers.batch.columns import OWN, PADDING

LARGEST = 10.0
"""Normalised values are clipped to this range, as in Stable-Baselines3's ``VecNormalize``."""
SMALLEST_VARIANCE = 1e-12
"""Quantities with a smaller deviation count as constant: they are shifted to 0 but not scaled."""


class RunningMoments(nn.Module):
    """Running mean and variance of N quantities over all values seen so far, in float64.

    Source: Chan, Golub and LeVeque, 1979 (the pairwise update of sums of squares).

    Args:
        size: N.

    Example:
        >>> moments = RunningMoments(1)
        >>> moments.update(torch.tensor([[1.0], [3.0], [9.0]]), torch.tensor([[1.0], [1.0], [0.0]]))
        >>> moments.update(torch.tensor([[5.0]]), torch.tensor([[1.0]]))
        >>> moments.mean.item(), round(moments.variance.item(), 3)  # of 1, 3 and 5
        (3.0, 2.667)
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.count: Tensor
        self.mean: Tensor
        self.squares: Tensor
        for name in ("count", "mean", "squares"):
            self.register_buffer(name, torch.zeros(size, dtype=torch.float64))

    def update(self, values: Tensor, weight: Tensor) -> None:
        """Update with ``values`` ``[M, N]`` where ``weight`` ``[M, N]`` is 1; ignore those where it is 0."""
        weight = weight.double()
        values = torch.where(weight > 0, values.double(), 0.0)
        count = weight.sum(0)
        mean = (values * weight).sum(0) / count.clamp(min=1.0)
        squares = ((values - mean).square() * weight).sum(0)
        total = (self.count + count).clamp(min=1.0)
        shift = mean - self.mean
        self.squares += squares + shift.square() * self.count * count / total
        self.mean += shift * count / total
        self.count += count

    @property
    def variance(self) -> Tensor:
        """``[N]``."""
        return self.squares / self.count.clamp(min=1.0)

    def mean_std(self) -> tuple[Tensor, Tensor]:
        """Return mean and deviation ``[N]``; the deviation of constant quantities is 1."""
        moved = self.variance > SMALLEST_VARIANCE
        return self.mean.clone(), torch.where(moved, self.variance, 1.0).sqrt()


class ObservationNorm(nn.Module):
    """``clip((x - mean) / deviation, -10, 10)`` of observations and global states, for each number separately.

    A position in the observations has one mean and deviation for all agents, as one policy reads them all. Only
    :meth:`update` changes these, so they are constant within a rollout and outside training. Dead agents and the
    padding of shorter observations do not count.

    Args:
        sizes: sizes of the environment.
        device: torch device.

    Attributes:
        updated: whether there was an update; before the first one, values are only clipped.
    """

    def __init__(self, sizes: Sizes, device: str) -> None:
        super().__init__()
        self.updated = False
        self.of_obs, self.of_state = RunningMoments(sizes.obs_size), RunningMoments(sizes.state_size)
        columns = torch.full((sizes.num_agents, sizes.obs_size), OWN)
        if sizes.obs_columns is not None:
            columns = torch.as_tensor(sizes.obs_columns)
        self._columns = columns.to(device)
        self.to(device)
        self._refresh()

    def update(self, obs: Tensor, state: Tensor, alive: Tensor) -> None:
        """Update with a rollout.

        Args:
            obs: ``[T, B, A, O]``.
            state: ``[T, B, K]``.
            alive: ``[T, B, A]`` float, 1 where the agent acts.
        """
        counts = (alive[..., None] > 0) & (self._columns == OWN)
        self.of_obs.update(obs.flatten(0, 2), counts.flatten(0, 2))
        states = state.flatten(0, 1)
        self.of_state.update(states, torch.ones_like(states))
        self.updated = True
        self._refresh()

    def _refresh(self) -> None:
        """Arrange means and deviations like observations: ``[A, O]``."""
        mean, std = self.of_obs.mean_std()
        state_mean, state_std = self._state_scale = self.of_state.mean_std()
        self._obs_scale = self._by_column(mean, state_mean, 0.0), self._by_column(std, state_std, 1.0)

    def _by_column(self, own: Tensor, of_state: Tensor, of_padding: float) -> Tensor:
        """Return ``[A, O]``: ``own`` ``[O]`` for the agent's columns, ``of_state`` ``[K]`` for the state's columns."""
        columns = self._columns
        shown = of_state[columns.clamp(min=0)] if len(of_state) else own.expand_as(columns)
        values = torch.where(columns == OWN, own, shown)
        return torch.where(columns == PADDING, of_padding, values).float()

    def observations(self, obs: Tensor) -> Tensor:
        """Normalise observations ``[..., A, O]``."""
        mean, std = self._obs_scale
        return ((obs - mean) / std).clamp(-LARGEST, LARGEST)

    def states(self, state: Tensor) -> Tensor:
        """Normalise global states ``[..., K]``."""
        mean, std = self._state_scale
        return ((state - mean) / std).clamp(-LARGEST, LARGEST).float()

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Restore a state from ``state_dict``."""
        keys = super().load_state_dict(state_dict, strict, assign)
        self.updated = bool((self.of_obs.count > 0).any())
        self._refresh()
        return keys
