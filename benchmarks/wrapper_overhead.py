"""What each PettingZoo wrapper adds to a step of simple_spread (3 agents): all stacks side by side, in CPU time.

python benchmarks/wrapper_overhead.py

Every step is taken in each stack, one after the other, so that a machine that slows down slows them all.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from isa_wrappers import GoalBuffer, InfluenceScope
from isa_wrappers.envs import make_parallel
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

STEPS = 4_000
TASK = "mpe/simple_spread_v3"


def stacks(own: int) -> dict[str, Callable[[Any], Any]]:
    """Return what wraps an environment, where each agent moves ``own`` dimensions."""
    size, agents = len(make_parallel(TASK).state_names), make_parallel(TASK).possible_agents
    dims = {agent: [[(own * i + k) % size for k in range(own)]] * 5 for i, agent in enumerate(agents)}
    scope = InfluenceScope.from_dimensions(dims, size)
    goals = GoalBuffer(size)
    goals.add(np.zeros((1, size), dtype=np.float32), np.array([True]))
    return {
        "bare": lambda env: env,
        "count bonus": lambda env: InfluenceCountBonus(env, scope),
        "goal recording": lambda env: GoalRecording(env, scope, goals),
        "goal sampling": lambda env: GoalSampling(env, scope, goals),
        "goal sampling and segment reward": lambda env: GoalSegmentReward(GoalSampling(env, scope, goals), scope),
        "full stack": lambda env: GoalSegmentReward(GoalSampling(InfluenceCountBonus(env, scope), scope, goals), scope),
    }


def play(made: dict[str, Any]) -> dict[str, float]:
    """Return the median microseconds of a step in each environment, under the same random actions."""
    rng = np.random.default_rng(0)
    seconds: dict[str, list[float]] = {name: [] for name in made}
    for env in made.values():
        env.reset(seed=0)
    for _ in range(STEPS):
        chosen = rng.integers(5, size=3).tolist()
        for name, env in made.items():
            actions = dict(zip(env.agents, chosen, strict=True))
            began = time.thread_time()
            env.step(actions)
            seconds[name].append(time.thread_time() - began)
            if not env.agents:
                env.reset()
    return {name: statistics.median(found) * 1e6 for name, found in seconds.items()}


def main() -> None:
    """Print the bare step, and what each stack adds to it."""
    for own in (2, 4):
        found = play({name: wrap(make_parallel(TASK)) for name, wrap in stacks(own).items()})
        bare = found.pop("bare")
        print(f"{own} dimensions per agent; bare step {bare:.0f} us")
        for name, each in found.items():
            print(f"  {name}: +{each - bare:.0f} us, {100 * (each / bare - 1):.0f} %")


if __name__ == "__main__":
    main()
