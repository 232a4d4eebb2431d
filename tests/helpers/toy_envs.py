"""Factories of small PettingZoo environments, good and bad, named on the command line as ``toy_envs:...``."""

import atexit
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv


class Walk(ParallelEnv):
    """Two agents on lines of their own, 0 to 3; both at 3 wins. Twelve steps at most."""

    metadata = {"name": "walk"}  # noqa: RUF012

    def __init__(self, length=3):
        self.length = length
        self.possible_agents = ["a", "b"]
        self.agents = []
        self.place, self.time = np.zeros(2, dtype=np.float32), 0

    def observation_space(self, agent):
        return spaces.Box(0, self.length, (2,))

    def action_space(self, agent):
        return spaces.Discrete(3)

    def state(self):
        return self.place.copy()

    def _all(self, value):
        return dict.fromkeys(self.possible_agents, value)

    def reset(self, seed=None, options=None):
        self.agents = list(self.possible_agents)
        self.place, self.time = np.zeros(2, dtype=np.float32), 0
        return self._all(self.place.copy()), self._all({})

    def step(self, actions):
        self.time += 1
        moves = [actions[agent] - 1 for agent in self.possible_agents]
        self.place = np.clip(self.place + np.array(moves, dtype=np.float32), 0, self.length)
        won, late = bool((self.place == self.length).all()), self.time >= 12
        if won or late:
            self.agents = []
        obs = self._all(self.place.copy())
        return obs, self._all(float(won)), self._all(won), self._all(late and not won), self._all({"success": won})


class Prize(Walk):
    """The same, but what tells a win is ``infos[agent]["prize"]``."""

    def step(self, actions):
        *others, infos = super().step(actions)
        return *others, {agent: {"prize": info["success"]} for agent, info in infos.items()}


class Elsewhere(Walk):
    """Few terminals' encodings hold its agents' names."""

    def __init__(self):
        super().__init__()
        self.possible_agents = ["名", "前"]


class Continuous(Walk):
    """Its actions have no bounds, which nothing can cut into parts."""

    def action_space(self, agent):
        return spaces.Box(-np.inf, np.inf, (2,))


class Stateless(Walk):
    def state(self):
        raise NotImplementedError


class NaNState(Walk):
    def state(self):
        return np.array([0.0, np.nan], dtype=np.float32)


class NaNLater(Walk):
    """The state breaks after some steps."""

    def state(self):
        return np.array([0.0, np.inf if self.time == 5 else 0.0], dtype=np.float32)


class TurnByTurn(AECEnv):
    metadata = {"name": "turns"}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.possible_agents = ["a"]


def walk(length=3):
    return Walk(length)


def prize():
    return Prize(1)


def continuous():
    return Continuous()


def stateless():
    return Stateless()


def nan_state():
    return NaNState()


def nan_later():
    return NaNLater()


def aec():
    return TurnByTurn()


def nothing():
    return object()


NOT_A_FACTORY = 3


class Crashing(Walk):
    """Fails in its 30th step, in code of its own or in what it hands over, unless the file ``once`` is there."""

    def __init__(self, once, how="bug"):
        super().__init__()
        self.once, self.how, self.steps = Path(once), how, 0

    def step(self, actions):
        self.steps += 1
        observations, *rest = super().step(actions)
        if self.steps >= 30 and not self.once.exists():
            self.once.touch()
            if self.how == "signal":
                os.kill(os.getpid(), signal.SIGTERM)
            if self.how != "nan":
                raise ZeroDivisionError("the simulator divides by nothing")
            observations = self._all(np.full(2, np.nan, dtype=np.float32))
        return observations, *rest


class Talking(Walk):
    """Prints whenever it can: by Python, by a process of its own, by the descriptor."""

    def __init__(self):
        super().__init__()
        self._talk()

    def _talk(self):
        print("hello from Python")
        os.write(1, b"hello from below\n")

    def reset(self, seed=None, options=None):
        subprocess.run(["echo", "hello from a game"], check=True)
        return super().reset(seed, options)

    def step(self, actions):
        self._talk()
        return super().step(actions)

    def close(self):
        self._talk()


class TalkingToTheEnd(Talking):
    """Does so as the process ends, too."""

    def close(self):
        atexit.register(self._talk)


def bursting():
    raise RuntimeError("the game is not installed")


def seeded(length=3, seed=0, config=None):
    return Walk(length + seed)


def named_alike():
    env = Walk()
    env.possible_agents = [1, "1"]
    return env
