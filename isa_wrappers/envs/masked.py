"""What our own environments share: every agent observes a vector and a mask of the actions open to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from pettingzoo import ParallelEnv

Observation = dict[str, npt.NDArray[Any]]


class MaskedParallelEnv(ParallelEnv[str, Observation, int]):  # type: ignore[misc]
    """A ``ParallelEnv`` of Dict observations with ``"observation"`` and ``"action_mask"``; agents are alike."""

    observation_spaces: dict[str, spaces.Dict]
    action_spaces: dict[str, spaces.Space[Any]]

    def _lay_out(self, agents: Sequence[str], vector: spaces.Box, num_actions: int) -> None:
        """Name the agents and make their spaces, each agent its own."""
        self.possible_agents = list(agents)
        self.agents: list[str] = []
        mask = spaces.Box(0, 1, (num_actions,), np.int8)
        self.observation_spaces = {agent: spaces.Dict({"observation": vector, "action_mask": mask}) for agent in agents}
        self.action_spaces = {agent: spaces.Discrete(num_actions) for agent in agents}

    def observation_space(self, agent: str) -> spaces.Dict:
        """Return the agent's observation space, the same object each time."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the agent's action space, the same object each time."""
        return self.action_spaces[agent]
