"""A learner that does nothing but go wrong where a test says so."""

from contextlib import contextmanager
from dataclasses import dataclass

import torch
from learner_helpers import tiny_config
from toy_envs import Walk

from isa_learners.learner import LEARNERS, Decision, LearnerSpec
from isa_learners.runs.algorithm import Algorithm


@dataclass(frozen=True)
class StubConfig:
    """Settings of the stub.

    Attributes:
        num_envs: copies.
        rollout_steps: of each.
    """

    num_envs: int = 2
    rollout_steps: int = 3


class Stub:
    """Takes each agent's first available action.

    Args:
        sizes: of the environment.
        wrong: method -> what it returns, or a function of what it would return.
    """

    def __init__(self, sizes, wrong):
        self.sizes, self.wrong = sizes, wrong

    def _told(self, method, right):
        wrong = self.wrong.get(method, right)
        return wrong(right) if callable(wrong) else wrong

    def begin(self, num_envs):
        return self._told("begin", {"steps": torch.zeros(num_envs)})

    def act(self, step, memory, noise=None):
        action = step.available.int().argmax(-1)
        if self.sizes.code is not None:
            action = torch.zeros(*action.shape, self.sizes.code.size)
        record = {} if noise is None else {"obs": step.obs}
        return self._told("act", Decision(action, memory, record))

    def forget(self, memory, done):
        return self._told("forget", memory)

    def set_progress(self, progress):
        self._told("set_progress", None)

    def learn(self, rollout):
        return self._told("learn", {"loss": 0.5})

    def state_dict(self):
        return self._told("state_dict", {"weight": torch.zeros(2)})

    def load_state_dict(self, state, policy_only=False):
        pass


@contextmanager
def stub_learner(wrong, make=Stub, **entry):
    """Let there be a learner ``stub``."""

    def made(sizes, config, device, seed):
        return make(sizes, wrong)

    spec = LearnerSpec("a stub", StubConfig, ("loss",), made, **entry)
    LEARNERS.register("stub", spec)
    try:
        yield
    finally:
        LEARNERS.unregister("stub")


def stub_run(wrong, make=Stub, **sections):
    """Return a function that enters the first phase of ``ippo`` with learner ``stub``, and iterates."""

    def run():
        with stub_learner(wrong, make):
            algorithm = Algorithm(tiny_config(algo="ippo", learner="stub", **sections), None)
            algorithm.iterate()
            return algorithm

    return run


class Stumbling(Walk):
    """Raises in its first step."""

    def step(self, actions):
        return {}["k"]


def stumbling():
    return Stumbling()
