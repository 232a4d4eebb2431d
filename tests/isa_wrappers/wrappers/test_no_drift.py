"""Memory stays flat under the full stack. The long form, in megabytes, is benchmarks/memory_drift.py."""

import gc
import sys
import tracemalloc

import array_checks
import numpy as np
import pytest
from conformance import full_stack, won

pytest.importorskip("mpe2")

from isa_wrappers import GoalBuffer, InfluenceScope
from isa_wrappers.envs import make_parallel

pytestmark = pytest.mark.slow

HORIZON = 10


@pytest.fixture(autouse=True)
def unchecked():
    with array_checks.paused():
        yield


def spread_stack(success):
    """simple_spread whose episodes all count as won, so that the buffer of 20 goals fills and turns over."""
    env = make_parallel("mpe/simple_spread_v3", max_cycles=HORIZON)
    size = len(env.state_names)
    common = list(range(size - 6, size))
    dims = {agent: [[*common, 4 * i, 4 * i + 1]] * 5 for i, agent in enumerate(env.possible_agents)}
    goals = GoalBuffer(size, capacity=20)
    goals.add(np.zeros((1, size), dtype=np.float32), np.array([True]))
    return full_stack(env, InfluenceScope.from_dimensions(dims, size), goals, success=success)


def play(env, steps):
    rng = np.random.default_rng(0)
    for _ in range(steps):
        if not env.agents:
            env.reset()
        env.step({agent: int(rng.integers(5)) for agent in env.agents})
    gc.collect()


def kept_blocks(env, steps):
    """Count the memory blocks of Python (an object is one at least, a NumPy array too) held more after ``steps``."""
    gc.collect()
    before = sys.getallocatedblocks()
    play(env, steps)
    return sys.getallocatedblocks() - before


def kept_bytes(env, steps):
    """Count the bytes that Python and NumPy hold more after ``steps``: slow, 3 times the time of a step."""
    tracemalloc.start()
    try:
        play(env, 10 * HORIZON)  # whatever is replaced all the time has been by then
        before = tracemalloc.get_traced_memory()[0]
        play(env, steps)
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_memory_is_flat():
    env = spread_stack(won)
    env.reset(seed=0)
    play(env, 1_000)
    # What is kept is kept each time; caches fill once, and threads left running by other tests allocate at times.
    assert any(kept_blocks(env, 2_000) < 2_000 / HORIZON / 2 for _ in range(2)), "half an object an episode is kept"
    assert any(kept_bytes(env, 1_000) < 5 * 1_000 for _ in range(2)), "at least 5 bytes a step are kept"
    goals = env.env.goals
    assert len(goals) == goals.capacity < int(goals.state_dict()["added"][0]) / 10


def test_one_array_kept_an_episode_would_be_noticed():
    kept = []

    def success(env, infos):
        kept.append(env.state())
        return True

    env = spread_stack(success)
    env.reset(seed=0)
    assert kept_bytes(env, 1_000) > 5 * 1_000
    assert kept_blocks(env, 1_000) >= 1_000 / HORIZON
