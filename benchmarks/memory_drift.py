"""Memory under 100 thousand steps of the full wrapper stack on simple_spread (3 agents); 1 if it grew by over 5 MB.

python benchmarks/memory_drift.py

Every episode counts as won, so that the goal buffer fills, and turns over, many times.
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
    """Memory in use now; where the system does not say, the most that was ever in use."""
    gc.collect()
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)


def stack() -> tuple[Any, GoalBuffer]:
    """Count bonus, goal sampling and segment reward, and the buffer that the goals come from."""
    env = make_parallel("mpe/simple_spread_v3")
    size = len(env.state_names)
    # Each agent moves its own place; the landmarks count as common, so that every part of Eq. 7 and Eq. 10 works.
    common = list(range(size - 6, size))
    own = {agent: [[*common, 4 * i, 4 * i + 1]] * 5 for i, agent in enumerate(env.possible_agents)}
    scope = InfluenceScope.from_dimensions(own, size)
    goals = GoalBuffer(size)
    goals.add(np.zeros((1, size), dtype=np.float32), np.array([True]))
    counting = InfluenceCountBonus(env, scope, CountConfig(count_scale=100.0))
    sampling = GoalSampling(counting, scope, goals, success=lambda env, infos: True)
    return GoalSegmentReward(sampling, scope), goals


def play(env: Any, steps: int, rng: np.random.Generator) -> None:
    """Step under random actions, starting anew where an episode ends."""
    for _ in range(steps):
        if not env.agents:
            env.reset()
        env.step({agent: int(rng.integers(5)) for agent in env.agents})


def main() -> None:
    """Print the memory after the warm-up, on the way and at the end."""
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
    print(f"{added} goals went through a buffer of {goals.capacity}; {places} slots of the count tables are in use")
    grown = resident_mb() - start
    print(f"grown by {grown:.2f} MB in {STEPS} steps ({time.perf_counter() - began:.0f} s); allowed: {LIMIT_MB:g} MB")
    sys.exit(int(grown > LIMIT_MB))


if __name__ == "__main__":
    main()
