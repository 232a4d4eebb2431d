"""Factories of batched environments, good and bad, named as ``batch_toys:...``."""

from copy import copy
from dataclasses import replace

import numpy as np
from toy_envs import Walk

from isa_wrappers import BatchWrapper
from isa_wrappers.arrays import namespace
from isa_wrappers.batch.parallel import ParallelEnvBatch


def walks(num_envs, device=None, length=3):
    return ParallelEnvBatch([Walk(length) for _ in range(num_envs)], device)


class Walks(BatchWrapper):
    """A class in the place of a factory, for NumPy alone."""

    def __init__(self, num_envs):
        super().__init__(walks(num_envs))


class OnDevice(Walks):
    """The same on the device that is asked for."""

    def __init__(self, num_envs, device=None):
        BatchWrapper.__init__(self, walks(num_envs, device))


def always_two(num_envs, device=None):
    return walks(2, device)


def nobody(num_envs, device=None):
    made = walks(num_envs, device)
    made.agents = []
    return made


def unasked():
    """Batched, without having been told how many copies to make."""
    return walks(2)


class Half:
    """A batch that lacks half of what it needs."""

    def __init__(self, num_envs):
        self.num_envs, self.agents = num_envs, ("a", "b")

    def reset(self, seed=None):
        return None


def half(num_envs):
    return Half(num_envs)


class Rewriting(Walks):
    """Writes every state into the array of the one before."""

    def __init__(self, num_envs):
        super().__init__(num_envs)
        self._state = None

    def step(self, actions):
        step = super().step(actions)
        if self._state is None:
            self._state = step.state.copy()
        self._state[:] = step.state
        return replace(step, state=self._state)


class Pictured(OnDevice):
    """Draws a copy as a picture of its state."""

    def render(self, copy, goal=None):
        return np.full((2, 3, 3), copy + (0 if goal is None else 100), dtype=np.uint8)


class Floating(OnDevice):
    """Draws what is no picture."""

    def render(self, copy, goal=None):
        return np.zeros((2, 3, 3), dtype=np.float32)


class Careless(OnDevice):
    """Draws one picture of all copies."""

    def render(self):
        return np.zeros((2, 3, 3), dtype=np.uint8)


FAULTS = {
    "whole masks": lambda step, xp: {"available": xp.astype(step.available, xp.int8)},
    "double": lambda step, xp: {"obs": xp.astype(step.obs, xp.float64), "reward": xp.astype(step.reward, xp.int64)},
    "flags": lambda step, xp: {name: xp.astype(getattr(step, name), xp.int64) for name in ("alive", "terminated")},
    "flat": lambda step, xp: {"reward": step.reward[:, 0]},
    "wide mask": lambda step, xp: {"available": xp.concat([step.available] * 2, axis=-1)},
    "nothing": lambda step, xp: {"final_obs": None},
    "nan": lambda step, xp: {"final_state": step.final_state * float("nan")},
    "nan mask": lambda step, xp: {"available": xp.astype(step.available, xp.float32) * float("nan")},
    "closed": lambda step, xp: {"available": step.available & False},
    "both": lambda step, xp: {"terminated": step.done | True, "truncated": step.done | True},
    "ended": lambda step, xp: {"terminated": step.done | True},
    "lost": lambda step, xp: {"discarded": step.done | True},
    "nan bonus": lambda step, xp: {"bonus": step.reward * float("nan")},
    "huge": lambda step, xp: {"obs": xp.astype(step.obs, xp.float64) + 1e39},
    "no final obs": lambda step, xp: {"final_obs": step.final_obs + 1},
    "no final state": lambda step, xp: {"final_state": step.final_state + 1},
    "no final alive": lambda step, xp: {"final_alive": ~step.final_alive},
    "rounded state": lambda step, xp: {
        "state": xp.astype(step.state, xp.float64) + 0.1,
        "final_state": step.state + 0.1,
    },
    "rounded obs": lambda step, xp: {"obs": step.obs + 0.1, "final_obs": xp.astype(step.obs + 0.1, xp.float16)},
    "whole state": lambda step, xp: {"final_state": xp.astype(step.state, xp.int64)},
    "lists": lambda step, xp: {"state": step.state.tolist()},
}
"""What a batch may do wrong in each step: name -> arrays in the place of the right ones."""


class Faulty(OnDevice):
    """Hands over what one of the faults makes of each step."""

    def __init__(self, num_envs, device=None, fault="flat"):
        super().__init__(num_envs, device)
        self._fault = FAULTS[fault]

    def reset(self, seed=None):
        return self._wrong(super().reset(seed))

    def step(self, actions):
        return self._wrong(super().step(actions))

    def _wrong(self, step):
        wrong = copy(step)  # made by a constructor, it would be found by the tests' checks of types
        for name, value in self._fault(step, namespace(step.obs)).items():
            object.__setattr__(wrong, name, value)
        return wrong


class Tuples(OnDevice):
    """Returns what PettingZoo's environments do."""

    def reset(self, seed=None):
        return {}, {}


class Late(Walks):
    """Writes rewards into one array, which at first hold nothing but zeros."""

    def __init__(self, num_envs):
        super().__init__(num_envs)
        self._time, self._reward = 0, np.zeros((num_envs, len(self.agents)), dtype=np.float32)

    def step(self, actions):
        self._time += 1
        if self._time > 6:
            self._reward += 1
        return replace(super().step(actions), reward=self._reward)


class InTurn(Walks):
    """Writes rewards into several arrays in turn, from some step on."""

    def __init__(self, num_envs, buffers, start):
        super().__init__(num_envs)
        self._time, self._start = 0, start
        self._rewards = [np.zeros((num_envs, len(self.agents)), dtype=np.float32) for _ in range(buffers)]

    def step(self, actions):
        step, self._time = super().step(actions), self._time + 1
        if self._time <= self._start:
            return step
        reward = self._rewards[self._time % len(self._rewards)]
        reward[:] = self._time
        return replace(step, reward=reward)


class WithStates(Walks):
    """Has these states."""

    def __init__(self, states):
        super().__init__(len(states))
        self._states, self.state_size = states, states.shape[1]

    def reset(self, seed=None):
        step = copy(super().reset(seed))  # made by a constructor, it would be found by the tests' checks of types
        for name in ("state", "final_state"):
            object.__setattr__(step, name, self._states)
        return step
