"""Base class of the built-in environments: every agent observes a vector and a mask of its available actions."""

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
    """A ``ParallelEnv`` with Dict observations of ``"observation"`` and ``"action_mask"``, alike for all agents."""

    observation_spaces: dict[str, spaces.Dict]
    action_spaces: dict[str, spaces.Space[Any]]
    action_names: tuple[str, ...]

    def _set_spaces(self, agents: Sequence[str], vector: spaces.Box, num_actions: int) -> None:
        """Set the agents and create separate spaces for each of them."""
        self.possible_agents = list(agents)
        self.agents: list[str] = []
        mask = spaces.Box(0, 1, (num_actions,), np.int8)
        self.observation_spaces = {agent: spaces.Dict({"observation": vector, "action_mask": mask}) for agent in agents}
        self.action_spaces = {agent: spaces.Discrete(num_actions) for agent in agents}

    def observation_space(self, agent: str) -> spaces.Dict:
        """Return the observation space of an agent, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the action space of an agent, always the same object."""
        return self.action_spaces[agent]

    def _joint_action(self, actions: Mapping[str, Any], idle: int = 0) -> list[int]:
        """Check the actions of the acting agents and return them in team order, with ``idle`` for the others.

        Raises:
            InvalidValueError: if the episode is over, an action is missing or out of range, or an agent does not act.
        """
        if not self.agents:
            raise InvalidValueError(f"no episode of {self.metadata['name']} is running; call reset() before step()")
        if not isinstance(actions, Mapping):
            raise InvalidValueError(f"actions must be a dict from agent to action, got {type(actions).__name__}")
        for agent in actions:
            if agent not in self.agents:
                raise InvalidValueError(f"{agent!r} is not an active agent; active: {', '.join(self.agents)}")
        last, names = len(self.action_names) - 1, ", ".join(self.action_names)
        joint = [idle] * len(self.possible_agents)
        for i, agent in enumerate(self.possible_agents):
            if agent in self.agents:
                if agent not in actions:
                    raise InvalidValueError(f"no action for {agent!r}; each agent needs one from 0 to {last} ({names})")
                joint[i] = check_int(f"action of {agent!r}", as_integer(actions[agent]), 0, last)
        return joint


def as_integer(value: Any) -> Any:
    """Return an integer of NumPy or torch as ``int``, and anything else unchanged, to be refused later."""
    if not isinstance(value, bool):
        with suppress(TypeError):
            return operator.index(value)
    return value
