"""A small board whose state is a map of cells, named on the command line as ``map_toys:...``."""

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv


class Board(ParallelEnv):
    """Two agents walk on 6 x 6 cells, each in a channel of its own, or both in one; the state is the map.

    Both at the lower edge is a success.
    """

    metadata = {"name": "board"}  # noqa: RUF012

    def __init__(self, shared=False, first=False, width=6):
        self.possible_agents, self.agents = ["a", "b"], []
        self.shared, self.first = shared, first
        self.shape = (6, width, 1 if shared else 2)
        shape = (self.shape[2], 6, width) if first else self.shape
        self.state_space = spaces.Box(0, 2, shape, dtype=np.int8)
        self.places = np.zeros((2, 2), dtype=int)

    def observation_space(self, agent):
        return spaces.Box(0, 5, (2,), dtype=np.float32)

    def action_space(self, agent):
        return spaces.Discrete(5)

    def reset(self, seed=None, options=None):
        self.places[:], self.time, self.agents = 3, 0, ["a", "b"]
        return self.seen(), {agent: {} for agent in self.agents}

    def step(self, actions):
        moves = np.array([[0, 0], [0, 1], [0, -1], [1, 0], [-1, 0]])
        self.places = np.clip(self.places + moves[[actions["a"], actions["b"]]], 0, 5)
        self.time += 1
        over, team = self.time >= 20, self.agents
        self.agents = [] if over else team
        won = bool((self.places[:, 0] == 5).all())
        return (
            self.seen(), dict.fromkeys(team, 0.0), dict.fromkeys(team, False), dict.fromkeys(team, over),
            {agent: {"success": won} for agent in team},
        )  # fmt: skip

    def seen(self):
        return {agent: self.places[i].astype(np.float32) for i, agent in enumerate(["a", "b"])}

    def state(self):
        cells = np.zeros(self.shape, dtype=np.int8)
        for i, (row, column) in enumerate(self.places):
            cells[row, column, 0 if self.shared else i] = 1 if not self.shared else 1 + i
        return np.moveaxis(cells, -1, 0) if self.first else cells


class Undeclared(Board):
    """The same without a ``state_space``."""

    def __init__(self, **options):
        super().__init__(**options)
        del self.state_space


class Seeded(Board):
    """The same, with a ``reset`` that takes a seed alone."""

    def reset(self, seed=None):
        self.seed = seed
        return super().reset()
