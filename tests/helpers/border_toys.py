"""Environments that hand over other things than they declared."""

import random

import numpy as np
from gymnasium import spaces
from parallel_toys import WalkEnv
from pettingzoo import AECEnv

from isa_wrappers import BatchWrapper, ParallelEnvBatch


class Told(WalkEnv):
    """Hands what a reset (step 0) or a step says through a function of it and of the step."""

    def __init__(self, change, **options):
        super().__init__(**options)
        self.change = change

    def reset(self, seed=None, options=None):
        return self.change(0, *super().reset(seed, options))

    def step(self, actions):
        said = super().step(actions)
        return self.change(self.time, *said)


def seen(agent, value, when=1, **options):
    """In step ``when`` the agent sees ``value``, an array or a function of what it would have seen."""

    def change(time, observations, *rest):
        if time == when:
            given = value(observations[agent]) if callable(value) else value
            observations = {**observations, agent: given}
        return (observations, *rest)

    return Told(change, **options)


def masked(agent, mask, when=0):
    """The agent's infos hold a mask in step ``when``."""

    def change(time, *said):
        *rest, infos = said
        if time == when:
            infos = {**infos, agent: {**infos[agent], "action_mask": mask}}
        return (*rest, infos)

    return Told(change)


def paid(agent, reward):
    """The agent's reward is ``reward`` in every step."""

    def change(time, *said):
        if time == 0:
            return said
        observations, rewards, *rest = said
        return (observations, {**rewards, agent: reward}, *rest)

    return Told(change)


def short(count):
    """``reset`` and ``step`` leave out what comes last."""
    return Told(lambda time, *said: said[: count if time else 2])


class Few(WalkEnv):
    """``walker_0`` has two actions, ``walker_1`` three."""

    def action_space(self, agent):
        return spaces.Discrete(2 if agent == "walker_0" else 3)


class Lingering(WalkEnv):
    """Leaves agents in ``agents`` whose end it told, once; ``who`` is terminated in step 2, all are truncated in 4.

    It asks an action of all of them, and gives each 1 a step.
    """

    def __init__(self, who=("walker_0",)):
        super().__init__(horizon=0)
        self.who = who

    def step(self, actions):
        assert set(actions) == set(self.possible_agents)
        observations, _, _, _, infos = super().step(actions)
        self.agents = self.possible_agents[:]
        observations, infos = self._seen(), self._infos()
        terminated = {agent: self.time == 2 and agent in self.who for agent in self.agents}
        truncated = dict.fromkeys(self.agents, self.time == 4)
        return observations, dict.fromkeys(self.agents, 1.0), terminated, truncated, infos


class Alone(WalkEnv):
    """``walker_0`` is truncated in its first step, ``walker_1`` with the episode in its second; nothing is paid."""

    def __init__(self, together=False):
        super().__init__(horizon=0)
        self.together = together

    def step(self, actions):
        acted = list(self.agents)
        self.time += 1
        leave = acted if self.time == 2 else acted[:1]
        leave = acted if self.together and self.time == 1 else leave
        observations, infos = self._seen(), self._infos()
        self.agents = [agent for agent in acted if agent not in leave]
        truncated = {agent: agent in leave for agent in acted}
        return observations, dict.fromkeys(acted, 0.0), dict.fromkeys(acted, False), truncated, infos


class Endless(WalkEnv):
    """Never ends and says no horizon."""

    def __init__(self):
        super().__init__(horizon=0)

    def step(self, actions):
        observations, infos = self._seen(), self._infos()
        no = dict.fromkeys(self.agents, False)
        return observations, dict.fromkeys(self.agents, 1.0), no, no, infos


class Kitchen(WalkEnv):
    """No state; observations of codes: a place by two numbers, a soup by one. An episode's last step shows nothing."""

    def __init__(self):
        super().__init__(stateless=True, horizon=3)
        one = spaces.Dict({"self": spaces.MultiDiscrete([9, 9, 9]), "soup": spaces.Discrete(4)})
        self._observation_space = one

    def _seen(self):
        return {
            agent: {"self": np.array([self.position[i], self.time, 8], dtype=np.int64), "soup": self.time % 4}
            for i, agent in enumerate(self.possible_agents)
            if agent in self.agents
        }

    def step(self, actions):
        *said, infos = super().step(actions)
        if not self.agents:
            said[0] = {}
        return *said, infos


class Optionless(WalkEnv):
    """Its ``reset`` takes no options; ``infos`` are ``None``, rewards arrays of one number."""

    def reset(self, seed=None):
        return super().reset(seed)[0], None

    def step(self, actions):
        observations, rewards, *ends, _ = super().step(actions)
        return observations, {agent: np.array([reward]) for agent, reward in rewards.items()}, *ends, None


class Flat(WalkEnv):
    """Shows its mask in a Dict among other entries, without the key ``"observation"``."""

    def __init__(self, **options):
        super().__init__(masks="observation", **options)
        mask, place = self._observation_space["action_mask"], spaces.Box(-1e3, 1e3, (1,), np.float32)
        self._observation_space = spaces.Dict({"place": place, "time": spaces.Discrete(10), "action_mask": mask})

    def _seen(self):
        return {
            agent: {"place": obs["observation"][:1], "time": self.time, "action_mask": obs["action_mask"]}
            for agent, obs in super()._seen().items()
        }


class Turns(AECEnv):
    """Agents take turns; ``parallelizable`` says that a round is one step."""

    def __init__(self, parallelizable):
        super().__init__()
        self.metadata = {"name": "turns", "is_parallelizable": parallelizable}
        self.possible_agents = ["a", "b"]

    def observation_space(self, agent):
        return spaces.Box(0, 9, (1,), np.float32)

    def action_space(self, agent):
        return spaces.Discrete(2)

    def state(self):
        return np.array([self.count], dtype=np.float32)

    def observe(self, agent):
        return self.state()

    def reset(self, seed=None, options=None):
        self.agents, self.count, self.at = self.possible_agents[:], 0, 0
        self.agent_selection = self.agents[0]
        for what, value in (("rewards", 0.0), ("_cumulative_rewards", 0.0), ("terminations", False)):
            setattr(self, what, dict.fromkeys(self.agents, value))
        self.truncations, self.infos = dict.fromkeys(self.agents, False), {agent: {} for agent in self.agents}

    def step(self, action):
        self.count += int(action)
        self.at = 1 - self.at
        self.agent_selection = self.agents[self.at]


class Gambling(WalkEnv):
    """Draws where it starts and what it pays from the global generators, and when it is made too."""

    def __init__(self):
        super().__init__()
        self.draw()

    def draw(self):
        import torch

        return np.random.random() + random.random() + float(torch.rand(1))

    def reset(self, seed=None, options=None):
        said = super().reset(seed, options)
        self.position += self.draw()
        return said

    def step(self, actions):
        observations, rewards, *rest = super().step(actions)
        return observations, {agent: self.draw() for agent in rewards}, *rest


class Poisoned(WalkEnv):
    """The second agent sees NaN in the second step."""

    def _seen(self):
        observations = super()._seen()
        if self.time == 2:
            observations["walker_1"][0] = np.nan
        return observations


class PoisonedBatch(BatchWrapper):
    """The same, where no border looks."""

    def __init__(self, num_envs, device):
        super().__init__(ParallelEnvBatch([WalkEnv() for _ in range(num_envs)], device))
        self.time = 0

    def step(self, actions):
        step = self.env.step(actions)
        self.time += 1
        if self.time == 2:
            step.obs[0, 1, 0] = step.final_obs[0, 1, 0] = np.nan
        return step
