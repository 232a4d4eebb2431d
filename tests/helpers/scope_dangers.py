"""Small worlds in which what is compared may be chosen by how it went, or be held against the wrong whole."""

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

SEEN = spaces.Box(-1.0, 1.0, (1,), np.float32)


class World(ParallelEnv):
    """A subclass moves ``x`` in :meth:`move`, and may end the episode by ``self.over``."""

    metadata = {"name": "world"}  # noqa: RUF012
    team, size, actions, horizon, kind = 1, 2, 2, 50, np.float64

    def __init__(self):
        self.possible_agents = [f"agent_{i}" for i in range(self.team)]
        self.agents, self.rng = [], np.random.default_rng(0)
        self.space = spaces.Discrete(self.actions) if isinstance(self.actions, int) else self.actions

    def observation_space(self, agent):
        return SEEN

    def action_space(self, agent):
        return self.space

    def state(self):
        return self.x.astype(self.kind)

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.agents, self.time, self.over, self.before = list(self.possible_agents), 0, False, 0
        self.x = np.zeros(self.size)
        return dict.fromkeys(self.agents, np.zeros(1, np.float32)), {agent: {} for agent in self.agents}

    def step(self, actions):
        self.time += 1
        self.move([actions[agent] for agent in self.possible_agents])
        acted, ended = self.agents, self.time >= self.horizon
        if self.over or ended:
            self.agents = []
        seen = dict.fromkeys(acted, np.zeros(1, np.float32))
        flags = dict.fromkeys(acted, bool(self.over)), dict.fromkeys(acted, ended and not self.over)
        return seen, dict.fromkeys(acted, 0.0), *flags, {agent: {} for agent in acted}


class Risk(World):
    """One action ends the episode wherever the wind rises; nobody moves the wind."""

    size, actions = 2, 3

    def move(self, actions):
        wind = self.rng.normal()
        self.x += [actions[0] == 2, wind]
        self.over = actions[0] == 1 and wind > 0


class Gust(World):
    """A gust makes who stands on the wrong side fall, 3 times in 4: either side as often; nobody moves the wind."""

    def move(self, actions):
        gust = self.rng.choice([-1.0, 1.0])
        self.x += [actions[0], gust]
        self.over = (gust > 0) == (actions[0] == 0) and self.rng.random() < 0.75


class Mine(World):
    """What is pushed moves one step later; one step in twenty ends it all."""

    def move(self, actions):
        self.x += [actions[0], self.before]
        self.before, self.over = actions[0], self.rng.random() < 0.05


class SetAnew(World):
    """What was done last stands in the state; what was done before it moves something else, now and then."""

    def move(self, actions):
        self.x[1] += self.before and self.rng.random() < 0.05
        self.x[0] = self.before = actions[0]


class Lever(World):
    """The first agent's lever seldom gives way; that it pulls at the other's place by a thousandth hides nothing."""

    team = 2

    def move(self, actions):
        self.x += [actions[0] and self.rng.random() < 0.08, actions[1] + 1e-3 * actions[0]]


class Delayed(World):
    """Something moves at once in some steps, and always one step later."""

    def move(self, actions):
        self.x += [actions[0], self.before]
        self.x[1] += actions[0] and self.rng.random() < 0.15
        self.before = actions[0]


class Dial(World):
    """Only the last value of a component does anything."""

    size, actions = 1, spaces.MultiDiscrete([6, 2])

    def move(self, actions):
        self.x += actions[0][0] == 5


class Whole(World):
    """Its state holds whole numbers."""

    kind = np.int64

    def move(self, actions):
        self.x[0] += actions[0]


class Empty(World):
    """Its state holds nothing."""

    size = 0

    def move(self, actions):
        pass
