"""Factories of batched environments, good and bad, named as ``batch_toys:...``."""

from dataclasses import replace

import numpy as np
from toy_envs import Walk

from isa_wrappers import BatchWrapper
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
