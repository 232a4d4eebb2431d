"""What our own environments share: every agent observes a vector and a mask of the actions open to it."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from pettingzoo import ParallelEnv

from isa_wrappers.errors import InvalidValueError, check_int

Observation = dict[str, npt.NDArray[Any]]


class MaskedParallelEnv(ParallelEnv[str, Observation, int]):  # type: ignore[misc]
    """A ``ParallelEnv`` of Dict observations with ``"observation"`` and ``"action_mask"``; agents are alike."""

    observation_spaces: dict[str, spaces.Dict]
    action_spaces: dict[str, spaces.Space[Any]]
    action_names: tuple[str, ...]

    def _set_spaces(self, agents: Sequence[str], vector: spaces.Box, num_actions: int) -> None:
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

    def _joint_action(self, actions: Mapping[str, Any], idle: int = 0) -> list[int]:
        """Check the actions of those that act and put them in the team's order, ``idle`` for the others.

        Raises:
            InvalidValueError: if the episode is over, or an action is missing, out of range or of no acting agent.
        """
        if not self.agents:
            raise InvalidValueError(f"no episode of {self.metadata['name']} is running; call reset() before step()")
        if not isinstance(actions, Mapping):
            raise InvalidValueError(f"actions must be a dict of agent to action, got {type(actions).__name__}")
        for agent in actions:
            if agent not in self.agents:
                raise InvalidValueError(f"{agent!r} does not act now; agents: {', '.join(self.agents)}")
        last, names = len(self.action_names) - 1, ", ".join(self.action_names)
        joint = [idle] * len(self.possible_agents)
        for i, agent in enumerate(self.possible_agents):
            if agent in self.agents:
                if agent not in actions:
                    raise InvalidValueError(f"no action for {agent!r}; give each agent one from 0 to {last} ({names})")
                joint[i] = check_int(f"action of {agent!r}", whole(actions[agent]), 0, last)
        return joint


def whole(value: Any) -> Any:
    """Return NumPy's and torch's whole numbers as ``int``, anything else as it is, to be refused."""
    if not isinstance(value, bool):
        with suppress(TypeError):
            return operator.index(value)
    return value
