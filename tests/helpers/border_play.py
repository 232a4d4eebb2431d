"""Playing an environment in a batch of one and under a wrapper: the border stands in both."""

import numpy as np
import pytest

from isa_wrappers import ParallelEnvBatch
from isa_wrappers.wrappers import ScopeWrapper

FIRST, SECOND = "walker_0", "walker_1"


def in_a_batch(env, steps=1):
    batch = ParallelEnvBatch([env])
    batch.reset(seed=0)
    for _ in range(steps):
        batch.step(np.zeros((1, 2), dtype=np.int64))


def in_a_wrapper(env, steps=1):
    wrapped = ScopeWrapper(env, None)
    wrapped.reset(seed=0)
    for _ in range(steps):
        wrapped.step(dict.fromkeys(wrapped.agents, 0))


both = pytest.mark.parametrize("play", [in_a_batch, in_a_wrapper])
