"""Adapters to PettingZoo: Gymnasium environments of teams, with Tuple spaces and lists of rewards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import Env, spaces
from pettingzoo import ParallelEnv

from isa_wrappers.border.actions import ActionCode
from isa_wrappers.border.start import close_env, reset_env
from isa_wrappers.border.success import as_truth
from isa_wrappers.errors import UnsupportedEnvironmentError


def is_team(env: Any) -> bool:
    """Return whether this is a Gymnasium environment with one observation and one action space per agent."""
    tuples = (getattr(env, "observation_space", None), getattr(env, "action_space", None))
    return isinstance(env, Env) and all(isinstance(space, spaces.Tuple) for space in tuples)


class TeamEnv(ParallelEnv[str, Any, int]):  # type: ignore[misc]
    """A Gymnasium team environment as a ``ParallelEnv``, with agents ``agent_0``, ``agent_1`` and so on.

    Lists or arrays of observations, rewards and flags belong to the agents in order; a single flag or info applies to
    all agents. There is a ``state()`` only if the innermost environment has one.

    Args:
        env: an environment with Tuple spaces.

    Raises:
        UnsupportedEnvironmentError: if it has other spaces.
    """

    def __init__(self, env: Any) -> None:
        if not is_team(env):
            raise UnsupportedEnvironmentError(
                f"{env} must be a Gymnasium environment whose observation and action spaces are Tuples, one entry per "
                f"agent; got {getattr(env, 'observation_space', None)} and {getattr(env, 'action_space', None)}"
            )
        self.env = env
        self.metadata = {"name": str(env), **(env.metadata or {})}
        self.render_mode = env.render_mode
        self.possible_agents = [f"agent_{i}" for i in range(len(env.action_space.spaces))]
        self.agents: list[str] = []
        self.observation_spaces = self._by_agent(env.observation_space.spaces)
        self.action_spaces = self._by_agent(env.action_space.spaces)
        self.horizon = int(getattr(env.spec, "max_episode_steps", None) or 0)

    @property
    def unwrapped(self) -> Any:
        """The innermost environment."""
        return self.env.unwrapped

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the agent's entry of the Tuple."""
        return self.observation_spaces[agent]  # type: ignore[no-any-return]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the agent's entry of the Tuple."""
        return self.action_spaces[agent]  # type: ignore[no-any-return]

    def state(self) -> Any:
        """Return the state of the innermost environment, if it has one."""
        state = getattr(self.env.unwrapped, "state", None)
        if not callable(state):
            raise NotImplementedError
        return state()

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Start an episode."""
        observations, info = reset_env(self.env, seed, options)
        self.agents = list(self.possible_agents)
        return self._by_agent(observations), self._infos(info)

    def step(self, actions: Mapping[str, Any]) -> tuple[Any, Any, Any, Any, Any]:
        """Advance all agents; the episode ends once it has ended for all of them."""
        joint = tuple(self._action(agent, actions.get(agent)) for agent in self.possible_agents)
        observations, rewards, terminated, truncated, info = self.env.step(joint)
        terminations = self._flags_by_agent(terminated)
        truncations = self._flags_by_agent(truncated)
        if all(terminations[agent] or truncations[agent] for agent in self.possible_agents):
            self.agents = []
        return self._by_agent(observations), self._by_agent(rewards), terminations, truncations, self._infos(info)

    def render(self) -> Any:
        """Render the environment."""
        return self.env.render()

    def close(self) -> None:
        """Close the environment."""
        close_env(self.env)

    def _action(self, agent: str, action: Any) -> Any:
        """Return an agent's action; ``None`` stands for the idle action."""
        space = self.action_spaces[agent]
        if isinstance(space, spaces.Discrete):
            return int(action or 0)
        return ActionCode.of(space, agent).idle if action is None else action

    def _by_agent(self, values: Any) -> dict[str, Any]:
        if not isinstance(values, Sequence) and np.ndim(values) == 0:
            return dict.fromkeys(self.possible_agents, values)
        return dict(zip(self.possible_agents, values, strict=True))

    def _flags_by_agent(self, flags: Any) -> dict[str, bool]:
        return {agent: as_truth(f"end flag of agent {agent!r}", flag) for agent, flag in self._by_agent(flags).items()}

    def _infos(self, info: Any) -> dict[str, dict[str, Any]]:
        if isinstance(info, Mapping):
            return {agent: dict(info) for agent in self.possible_agents}
        return self._by_agent(info)
