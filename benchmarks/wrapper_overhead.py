"""What each PettingZoo wrapper adds to a step of simple_spread (3 agents), in one run.

python benchmarks/wrapper_overhead.py
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

from isa_wrappers import GoalBuffer, InfluenceScope
from isa_wrappers.envs import make_parallel
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

STEPS = 5_000


def median_step(env: Any) -> float:
    """Median microseconds of a step under random actions."""
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    found = []
    for _ in range(STEPS):
        actions = {agent: int(rng.integers(5)) for agent in env.agents}
        began = time.perf_counter()
        env.step(actions)
        found.append(time.perf_counter() - began)
        if not env.agents:
            env.reset()
    return statistics.median(found) * 1e6


def main() -> None:
    """Print the bare step, then what each stack adds."""
    env = make_parallel("mpe/simple_spread_v3")
    size = len(env.state_names)
    own = {agent: [[4 * i, 4 * i + 1]] * 5 for i, agent in enumerate(env.possible_agents)}
    scope = InfluenceScope.from_dimensions(own, size)
    goals = GoalBuffer(size)
    goals.add(np.zeros((1, size), dtype=np.float32), np.array([True]))
    stacks = {
        "count bonus": lambda e: InfluenceCountBonus(e, scope),
        "goal recording": lambda e: GoalRecording(e, scope, goals),
        "goal sampling": lambda e: GoalSampling(e, scope, goals),
        "goal sampling and segment reward": lambda e: GoalSegmentReward(GoalSampling(e, scope, goals), scope),
        "full stack": lambda e: GoalSegmentReward(GoalSampling(InfluenceCountBonus(e, scope), scope, goals), scope),
    }
    bare = median_step(env)
    print(f"bare step: {bare:.1f} us")
    for name, wrap in stacks.items():
        print(f"{name}: +{median_step(wrap(make_parallel('mpe/simple_spread_v3'))) - bare:.1f} us")


if __name__ == "__main__":
    main()
