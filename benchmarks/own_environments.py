"""Environments as users bring them, which no preset knows: what the settings for such were chosen on and judged on.

    cd benchmarks && isa compare plan.yaml --out own       # the plan is in docs/benchmarks.md

Doors are those of docs/own-environment.md: each agent turns a dial of its own and all push one door. Dials and the
locked room are tasks of the library under names that no preset's pattern matches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from isa_wrappers.batch import BatchEnv
from isa_wrappers.envs import make_batch


class Door(ParallelEnv):
    """Won when every dial shows the code and the door has been pushed open."""

    metadata = {"name": "door", "render_modes": []}  # noqa: RUF012
    render_mode = None
    action_names = ("wait", "up", "down", "push")

    def __init__(self, agents: int = 2, code: int = 5, width: int = 10, horizon: int = 30) -> None:
        self.code, self.width, self.horizon = code, width, horizon
        self.possible_agents = [f"agent_{i}" for i in range(agents)]
        self.agents: list[str] = []
        self.observation_spaces = {a: spaces.Box(0, 100, (2,), np.float32) for a in self.possible_agents}
        self.action_spaces = {a: spaces.Discrete(4) for a in self.possible_agents}
        self.state_space = spaces.Box(0, 100, (agents + 1,), np.float32)
        self.state_names = (*(f"dial_{i}" for i in range(agents)), "door")

    def observation_space(self, agent: str) -> spaces.Space:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        return self.action_spaces[agent]

    def state(self) -> np.ndarray:
        return np.array([*self.dials, self.door], np.float32)

    def observe(self) -> dict[str, np.ndarray]:
        return {a: np.array([self.dials[i], self.door], np.float32) for i, a in enumerate(self.agents)}

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        self.agents = self.possible_agents[:]
        self.dials, self.door, self.time = [0] * len(self.agents), 0, 0
        return self.observe(), {a: {} for a in self.agents}

    def step(self, actions: dict[str, int]) -> tuple[Any, Any, Any, Any, Any]:
        for i, agent in enumerate(self.agents):
            self.dials[i] = int(np.clip(self.dials[i] + (0, 1, -1, 0)[actions[agent]], 0, 9))
            self.door = min(self.door + (actions[agent] == 3), self.width)
        self.time += 1
        won = self.door == self.width and all(dial == self.code for dial in self.dials)
        late = self.time >= self.horizon and not won
        team, observations = self.agents, self.observe()
        self.agents = [] if won or late else team
        rewards, terminations, truncations = (dict.fromkeys(team, x) for x in (float(won), won, late))
        return observations, rewards, terminations, truncations, {a: {"success": won} for a in team}


def door_2() -> Door:
    """Judged: the door of the docs."""
    return Door()


def door_3() -> Door:
    """Chose."""
    return Door(agents=3)


def door_4() -> Door:
    """Chose: a wider door and a code further away."""
    return Door(agents=4, code=7, width=20)


def door_5() -> Door:
    """Judged."""
    return Door(agents=5, code=4, width=15)


def half_dials(num_envs: int = 1, device: str = "cpu") -> BatchEnv:
    """Chose: two of four dials are both agents'."""
    return make_batch("grid/dials", num_envs=num_envs, device=device, overlap=0.5)


def common_dials(num_envs: int = 1, device: str = "cpu") -> BatchEnv:
    """Judged: all four dials are both agents', of seven positions each."""
    return make_batch("grid/dials", num_envs=num_envs, device=device, overlap=1.0, positions=7)


def locked_room(num_envs: int = 1, device: str = "cpu") -> BatchEnv:
    """Judged: random play never comes to what matters, so that its scope cannot hold it."""
    return make_batch("grid/locked_room", num_envs=num_envs, device=device)
