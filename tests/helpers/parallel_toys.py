"""Small PettingZoo environments with the oddities that wrappers must bear."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv


class WalkEnv(ParallelEnv):
    """Agents walk on a line from 0; options add what real environments do.

    An agent at 3 dies (``deaths``), arrives late (``late``: agent i joins at step i), carries its mask in the
    observation or in ``info`` (``masks``), or leaves the state out (``stateless``). The episode ends at ``horizon``,
    and is won once every agent has reached 3.
    """

    metadata = {"name": "walk", "render_modes": []}  # noqa: RUF012

    def __init__(self, agents=2, horizon=8, deaths=False, late=False, masks=None, stateless=False):
        self.possible_agents = [f"walker_{i}" for i in range(agents)]
        self.agents = []
        self.horizon, self.deaths, self.late, self.masks = horizon, deaths, late, masks
        self.stateless = stateless
        vector = spaces.Box(-1e3, 1e3, (2,), np.float32)
        dictionary = spaces.Dict({"observation": vector, "action_mask": spaces.Box(0, 1, (3,), np.int8)})
        self._observation_space = dictionary if masks == "observation" else vector
        self._action_spaces = {agent: spaces.Discrete(3) for agent in self.possible_agents}
        self.state_space = spaces.Box(-1e3, 1e3, (agents,), np.float32)

    def observation_space(self, agent):
        return self._observation_space

    def action_space(self, agent):
        return self._action_spaces[agent]

    def state(self):
        if self.stateless:
            raise NotImplementedError
        return self.position.copy()

    def _seen(self):
        seen = {}
        for i, agent in enumerate(self.possible_agents):
            if agent in self.agents:
                vector = np.array([self.position[i], self.time], dtype=np.float32)
                mask = np.array([1, 1, self.position[i] > 0], dtype=np.int8)
                seen[agent] = {"observation": vector, "action_mask": mask} if self.masks == "observation" else vector
        return seen

    def _infos(self, won=False):
        infos = {agent: {"success": won} for agent in self.agents}
        if self.masks == "info":
            for agent in self.agents:
                i = self.possible_agents.index(agent)
                infos[agent]["action_mask"] = np.array([1, 1, self.position[i] > 0], dtype=np.int8)
        return infos

    def reset(self, seed=None, options=None):
        self.time = 0
        self.position = np.zeros(len(self.possible_agents), dtype=np.float32)
        self.agents = self.possible_agents[:1] if self.late else self.possible_agents[:]
        return self._seen(), self._infos()

    def step(self, actions):
        self.time += 1
        for agent, action in actions.items():
            i = self.possible_agents.index(agent)
            self.position[i] = max(0.0, self.position[i] + (0, 1, -1)[int(action)])
        acted = list(self.agents)
        won = bool((self.position >= 3).all())
        over = self.time >= self.horizon
        gone = {a: won or (self.deaths and self.position[self.possible_agents.index(a)] >= 3) for a in acted}
        observations, infos = self._seen(), self._infos(won)
        truncations = {a: over and not gone[a] for a in acted}
        rewards = {a: float(won) for a in acted}
        self.agents = [a for a in acted if not gone[a] and not truncations[a]]
        if self.late and self.agents and not over:
            joining = [a for a in self.possible_agents if a not in acted][:1]
            self.agents = self.agents + joining
            observations |= {a: self._seen()[a] for a in joining}
            for a in joining:
                infos[a], rewards[a], gone[a], truncations[a] = {"success": won}, 0.0, False, False
        return observations, rewards, gone, truncations, infos


def walk_scope_dimensions(agents=2):
    """Each walker moves its own position."""
    return {f"walker_{i}": [[], [i], [i]] for i in range(agents)}


class Lasting(WalkEnv):
    """The same, but episodes last to the horizon, and tell their success in every step from the first on."""

    def step(self, actions):
        observations, rewards, _, _, infos = super().step(actions)
        over = self.time >= self.horizon
        self.agents = [] if over else self.possible_agents[:]
        return observations, rewards, dict.fromkeys(rewards, False), dict.fromkeys(rewards, over), infos


class NoState(WalkEnv):
    """Has a state, of no numbers."""

    def __init__(self):
        super().__init__()
        self.state_space = spaces.Box(-1.0, 1.0, (0,), np.float32)

    def state(self):
        return np.zeros(0, dtype=np.float32)
