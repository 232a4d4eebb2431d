"""Continuous actions: three agents walk freely in a hall and pull triggers, a continuous version of Shooting.

python examples/continuous_actions.py
isa scope examples.continuous_actions:Range
isa train examples.continuous_actions:Range --steps 300000
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from isa_wrappers import estimate_scope, scope_table

HALL, LINE, ROUNDS = 10.0, 6.0, 100


class Range(ParallelEnv):
    """Agents move by up to 1 per axis; above the line, a trigger above 0.5 fires. 100 rounds in total win."""

    metadata = {"name": "range"}  # noqa: RUF012
    action_names = ("east", "north", "trigger")
    horizon = 60

    def __init__(self, agents: int = 3) -> None:
        self.possible_agents = [f"agent_{i}" for i in range(agents)]
        self.state_names = (*(f"{agent}.{axis}" for agent in self.possible_agents for axis in "xy"), "rounds")
        box = spaces.Box(np.float32([-1, -1, 0]), np.float32([1, 1, 1]))
        self.action_spaces = dict.fromkeys(self.possible_agents, box)
        self.observation_spaces = dict.fromkeys(self.possible_agents, spaces.Box(0, 100, (3,), np.float32))
        self.state_space = spaces.Box(0, 100, (2 * agents + 1,), np.float32)

    def observation_space(self, agent: str) -> spaces.Space:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        return self.action_spaces[agent]

    def state(self) -> np.ndarray:
        return np.array([*self.place.flat, self.rounds], dtype=np.float32)

    def _observe(self) -> dict[str, np.ndarray]:
        seen = zip(self.possible_agents, self.place, strict=True)
        return {agent: np.array([*place, self.rounds], dtype=np.float32) for agent, place in seen}

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        self.agents, self.rounds, self.time = self.possible_agents[:], 0, 0
        self.place = np.full((len(self.agents), 2), HALL / 2)
        return self._observe(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, np.ndarray]) -> tuple[Any, Any, Any, Any, Any]:
        chosen = np.stack([actions[agent] for agent in self.agents])
        self.rounds += int(((chosen[:, 2] > 0.5) & (self.place[:, 1] > LINE)).sum())
        self.place = np.clip(self.place + chosen[:, :2], 0.0, HALL)
        self.time += 1
        won, over = self.rounds >= ROUNDS, self.time >= self.horizon
        told = self._observe(), *(dict.fromkeys(self.agents, x) for x in (float(won), won, over and not won))
        infos = {agent: {"success": won} for agent in self.agents}
        self.agents = [] if won or over else self.agents
        return *told, infos


def main() -> None:
    """Print the scope: the two moves change an agent's own position, and only a trigger above 0.5 the rounds."""
    print(scope_table(estimate_scope(Range(), seed=0)))


if __name__ == "__main__":
    main()
