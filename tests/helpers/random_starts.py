"""An environment that says which random number its episode began with."""

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv


class Start(ParallelEnv):
    """Four steps long; it cannot be saved."""

    def __init__(self):
        self.metadata = {"name": "start"}
        self.possible_agents = ["a"]
        self.observation_spaces = {"a": spaces.Box(0.0, 1.0, (1,), np.float32)}
        self.action_spaces = {"a": spaces.Discrete(2)}
        self.rng = np.random.default_rng()

    def observation_space(self, agent):
        return self.observation_spaces[agent]

    def action_space(self, agent):
        return self.action_spaces[agent]

    def state(self):
        return np.array([self.began], dtype=np.float32)

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.agents, self.time, self.began = ["a"], 0, self.rng.random()
        return {"a": self.state()}, {"a": {}}

    def step(self, actions):
        self.time += 1
        over = self.time == 4
        if over:
            self.agents = []
        return {"a": self.state()}, {"a": 0.0}, {"a": False}, {"a": over}, {"a": {}}
