"""Factories of batched environments, good and bad, named as ``batch_toys:...``."""

from dataclasses import replace

from toy_envs import Walk

from isa_wrappers import BatchWrapper
from isa_wrappers.batch.parallel import ParallelEnvBatch


def walks(num_envs, device=None, length=3):
    return ParallelEnvBatch([Walk(length) for _ in range(num_envs)], device)


class Walks(BatchWrapper):
    """A class in the place of a factory, for NumPy alone."""

    def __init__(self, num_envs):
        super().__init__(walks(num_envs))


def always_two(num_envs, device=None):
    return walks(2, device)


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
