"""Environments whose course is written down beforehand, for the learner's tests."""

from dataclasses import replace

import numpy as np
import torch
from gymnasium import spaces
from pettingzoo import ParallelEnv

from isa_wrappers.batch.protocol import BatchStep


class ScriptedEnv:
    """Two agents, three actions; what happens is written down beforehand, actions are only remembered.

    ``ends[t][b]`` is ``""``, ``"terminated"``, ``"truncated"`` or ``"lost"`` for step t. Observations
    count up by one a step and by 100 a copy, so that every one is told from every other; those before a reset are
    negative.
    """

    agents = ("a", "b")
    obs_size, state_size = 2, 1
    num_actions = (3, 2)
    horizon = 0
    state_names = ()
    action_names = ()
    device = "cpu"

    def __init__(self, ends, seed=0):
        self.ends, self.num_envs = ends, len(ends[0])
        self.generator = torch.Generator()
        self.generator.manual_seed(seed)
        self.time = 0
        self.actions = []
        self.masks = []
        self.alive = []

    def reset(self, seed=None):
        self.time = 0
        no = torch.zeros(self.num_envs, dtype=torch.bool)
        return self._say(no, no)

    def step(self, actions):
        self.actions.append(actions.clone())
        ends = self.ends[self.time]
        self.time += 1
        terminated = torch.tensor([end == "terminated" for end in ends])
        truncated = torch.tensor([end in ("truncated", "lost") for end in ends])
        return replace(self._say(terminated, truncated), discarded=torch.tensor([end == "lost" for end in ends]))

    def observation(self, final):
        sign = -1.0 if final else 1.0
        number = self.time + 1 + 100.0 * torch.arange(self.num_envs)
        return sign * (number[:, None, None] + torch.tensor([[0.25, 0.5], [0.75, 0.125]]))

    def _say(self, terminated, truncated):
        done = terminated | truncated
        obs = self.observation(final=False)
        final = torch.where(done[:, None, None], self.observation(final=True), obs)
        available = torch.rand(self.num_envs, 2, 3, generator=self.generator) < 0.5
        available[:, 1, 2] = False  # agent b has two actions
        available[..., 0] |= ~available.any(-1)
        alive = torch.rand(self.num_envs, 2, generator=self.generator) < 0.8
        self.masks.append(available)
        self.alive.append(alive)
        state = torch.zeros(self.num_envs, 1)
        reward = torch.full((self.num_envs, 2), float(self.time))
        return BatchStep(
            obs=obs,
            state=state,
            available=available,
            alive=alive,
            reward=reward,
            terminated=terminated,
            truncated=truncated,
            success=terminated,
            final_obs=final,
            final_state=state,
            final_alive=alive,
        )

    def state_dict(self):
        return {"time": torch.tensor(self.time)}

    def load_state_dict(self, state):
        self.time = int(state["time"])
        no = torch.zeros(self.num_envs, dtype=torch.bool)
        return self._say(no, no)


class Countdown(ParallelEnv):
    """Two agents see how many steps are left of seven; nobody wins. Its generator takes 32 bits, as old ones do."""

    metadata = {"name": "countdown"}  # noqa: RUF012

    def __init__(self):
        self.possible_agents = ["a", "b"]
        self.agents = []
        self.left = 0

    def observation_space(self, agent):
        return spaces.Box(0, 7, (1,))

    def action_space(self, agent):
        return spaces.Discrete(3)

    def state(self):
        return np.array([self.left, 1.0], dtype=np.float32)

    def _all(self, value):
        return dict.fromkeys(self.possible_agents, value)

    def reset(self, seed=None, options=None):
        if seed is not None:
            np.random.RandomState(seed)
        self.agents, self.left = list(self.possible_agents), 7
        return self._all(np.array([7.0], dtype=np.float32)), self._all({})

    def step(self, actions):
        self.left -= 1
        over = self.left == 0
        self.agents = [] if over else self.agents
        obs = self._all(np.array([self.left], dtype=np.float32))
        return obs, self._all(1.0), self._all(False), self._all(over), self._all({})


def countdown():
    return Countdown()
