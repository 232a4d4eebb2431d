"""Observations and states brought to one scale by what was seen so far: running means and deviations of a rollout each.

What an observation shows of the global state, such as a goal, is brought to the state's scale, not to its own: goals
are few, and their own deviation says nothing of those to come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from isa_learners.rollout import Sizes
from isa_wrappers.batch.columns import OWN, PADDING
from isa_wrappers.moments import RunningMoments

LARGEST = 10.0
"""What is further from the mean, in deviations, counts as this far: as in Stable-Baselines3's ``VecNormalize``."""
SMALLEST_VARIANCE = 1e-12
"""What varies less has not moved yet: it is shifted to 0 and not stretched."""


class ObservationNorm(nn.Module):
    """``clip((x - mean) / deviation, -10, 10)`` of observations and global states, each number by itself.

    A place in the observations has one mean and deviation for all agents, as one policy reads them all. These stand
    still but for :meth:`update`: within a rollout, and wherever nothing is learned. The dead count for nothing, nor
    does what pads the observations of agents that see less than others.

    Args:
        sizes: of the environment.
        device: torch device.

    Attributes:
        begun: something was taken in; before that all is kept within the limits, and not changed else.
    """

    def __init__(self, sizes: Sizes, device: str) -> None:
        super().__init__()
        self.begun = False
        self.of_obs, self.of_state = (
            RunningMoments(size, apart=True, smallest=SMALLEST_VARIANCE) for size in (sizes.obs_size, sizes.state_size)
        )
        columns = torch.full((sizes.num_agents, sizes.obs_size), OWN)
        if sizes.obs_columns is not None:
            columns = torch.as_tensor(sizes.obs_columns)
        self._columns = columns.to(device)
        self.to(device)
        self._refresh()

    def update(self, obs: Tensor, state: Tensor, alive: Tensor) -> None:
        """Take in a rollout.

        Args:
            obs: ``[T, B, A, O]``.
            state: ``[T, B, K]``.
            alive: ``[T, B, A]`` float, 1 where the agent acts.
        """
        counts = (alive[..., None] > 0) & (self._columns == OWN)
        self.of_obs.update(obs.flatten(0, 2), counts.flatten(0, 2))
        states = state.flatten(0, 1)
        self.of_state.update(states, torch.ones_like(states))
        self.begun = True
        self._refresh()

    def _refresh(self) -> None:
        """Lay means and deviations out as agents observe: ``[A, O]``."""
        own, state = ((of.mean, of.deviation) for of in (self.of_obs, self.of_state))
        shown = self._columns.clamp(min=0)
        both = []
        for mine, theirs, of_padding in zip(own, state, (0.0, 1.0), strict=True):
            there = theirs[shown] if len(theirs) else mine.expand_as(shown)
            values = torch.where(self._columns == OWN, mine, there)
            both.append(torch.where(self._columns == PADDING, of_padding, values).float())
        self._obs_scale, self._state_scale = tuple(both), state

    def observations(self, obs: Tensor) -> Tensor:
        """Bring observations ``[..., A, O]`` to scale."""
        mean, std = self._obs_scale
        return ((obs - mean) / std).clamp(-LARGEST, LARGEST)

    def states(self, state: Tensor) -> Tensor:
        """Bring global states ``[..., K]`` to scale."""
        mean, std = self._state_scale
        return ((state - mean) / std).clamp(-LARGEST, LARGEST).float()

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Restore what ``state_dict`` returned."""
        keys = super().load_state_dict(state_dict, strict, assign)
        self.begun = bool((self.of_obs.count > 0).any())
        self._refresh()
        return keys
