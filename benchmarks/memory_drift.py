"""Memory growth over 100,000 steps of the full wrapper stack on simple_spread (3 agents); exits with 1 above 5 MB.

python benchmarks/memory_drift.py

Every episode counts as won, so that the goal buffer fills up and is replaced many times.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from isa_wrappers import CountConfig, GoalBuffer, InfluenceScope
from isa_wrappers.envs import make_parallel
from isa_wrappers.wrappers import GoalSampling, GoalSegmentReward, InfluenceCountBonus

WARM_UP, STEPS, REPORTS = 10_000, 100_000, 5
LIMIT_MB = 5.0


def resident_mb() -> float:
    """Return the memory in use, or the peak memory if the system does not report it."""
    gc.collect()
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)


def stack() -> tuple[Any, GoalBuffer]:
    """Return an environment with count bonus, goal sampling and segment reward, and its goal buffer."""
    env = make_parallel("mpe/simple_spread_v3")
    size = len(env.state_names)
    # Each agent moves its own position; the landmarks count as common, so that all parts of Eq. 7 and Eq. 10 are used.
    common = list(range(size - 6, size))
    own = {agent: [[*common, 4 * i, 4 * i + 1]] * 5 for i, agent in enumerate(env.possible_agents)}
    scope = InfluenceScope.from_dimensions(own, size)
    goals = GoalBuffer(size)
    goals.add(np.zeros((1, size), dtype=np.float32), np.array([True]))
    counting = InfluenceCountBonus(env, scope, CountConfig(count_scale=100.0))
    sampling = GoalSampling(counting, scope, goals, success=lambda env, infos: True)
    return GoalSegmentReward(sampling, scope), goals


def play(env: Any, steps: int, rng: np.random.Generator) -> None:
    """Take random steps, with a reset after each episode."""
    for _ in range(steps):
        if not env.agents:
            env.reset()
        env.step({agent: int(rng.integers(5)) for agent in env.agents})


def main() -> None:
    """Print the memory after the warm-up, during the steps and at the end."""
    rng = np.random.default_rng(0)
    env, goals = stack()
    env.reset(seed=0)
    play(env, WARM_UP, rng)
    start = resident_mb()
    print(f"after a warm-up of {WARM_UP} steps: {start:.1f} MB")
    began = time.perf_counter()
    for report in range(1, REPORTS + 1):
        play(env, STEPS // REPORTS, rng)
        print(f"  {report * STEPS // REPORTS} steps: {resident_mb():.1f} MB")
    added = int(goals.state_dict()["added"][0])
    places = int((env.env.env.bonus.counter.table > 0).sum())
    print(f"{added} goals were added to a buffer of {goals.capacity}; {places} slots of the count tables are in use")
    grown = resident_mb() - start
    print(f"growth {grown:.2f} MB in {STEPS} steps ({time.perf_counter() - began:.0f} s); limit {LIMIT_MB:g} MB")
    sys.exit(int(grown > LIMIT_MB))


if __name__ == "__main__":
    main()
