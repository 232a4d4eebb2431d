"""Use ISA with your own PettingZoo environment: two dials and a door.

python examples/own_environment.py
isa scope examples.own_environment:Door
isa train examples.own_environment:Door --steps 60000
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from isa_wrappers import estimate_scope, scope_table
from isa_wrappers.wrappers import InfluenceCountBonus


class Door(ParallelEnv):
    """Each agent turns its own dial; all push one door. Won when every dial shows the code and the door is open."""

    metadata = {"name": "door"}  # noqa: RUF012
    action_names = ("wait", "turn up", "turn down", "push")

    def __init__(self, agents: int = 2, code: int = 5, width: int = 10, horizon: int = 30) -> None:
        self.code, self.width, self.horizon = code, width, horizon
        self.possible_agents = [f"agent_{i}" for i in range(agents)]
        self.state_names = (*(f"dial_{i}" for i in range(agents)), "door")
        self.observation_spaces = dict.fromkeys(self.possible_agents, spaces.Box(0, 20, (2,), np.float32))
        self.action_spaces = {agent: spaces.Discrete(4) for agent in self.possible_agents}
        self.state_space = spaces.Box(0, 60, (agents + 1,), np.float32)

    def observation_space(self, agent: str) -> spaces.Space:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        return self.action_spaces[agent]

    def state(self) -> np.ndarray:
        return np.array([*self.dials, self.door], dtype=np.float32)

    def _observe(self) -> dict[str, np.ndarray]:
        return {a: np.array([self.dials[i], self.door], dtype=np.float32) for i, a in enumerate(self.agents)}

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        self.agents, self.door, self.time = self.possible_agents[:], 0, 0
        self.dials = [0] * len(self.agents)
        return self._observe(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, int]) -> tuple[Any, Any, Any, Any, Any]:
        for i, agent in enumerate(self.agents):
            self.dials[i] = int(np.clip(self.dials[i] + (0, 1, -1, 0)[actions[agent]], 0, 9))
            self.door = min(self.door + (actions[agent] == 3), self.width)
        self.time += 1
        won = self.door == self.width and all(dial == self.code for dial in self.dials)
        over = self.time >= self.horizon
        told = self._observe(), *(dict.fromkeys(self.agents, x) for x in (float(won), won, over and not won))
        infos = {agent: {"success": won} for agent in self.agents}
        self.agents = [] if won or over else self.agents
        return *told, infos


def main() -> None:
    """Print the scope, then the rewards of one step with the count bonus."""
    scope = estimate_scope(Door(), seed=0)
    print(scope_table(scope))
    env = InfluenceCountBonus(Door(), scope)
    env.reset(seed=0)
    _, rewards, _, _, infos = env.step({"agent_0": 1, "agent_1": 3})
    print(rewards, infos["agent_1"])


if __name__ == "__main__":
    main()
