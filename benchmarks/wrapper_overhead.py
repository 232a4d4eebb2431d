"""What each PettingZoo wrapper adds to a step of simple_spread (3 agents), in one run, and where it goes.

python benchmarks/wrapper_overhead.py
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

STEPS = 5_000
TASK = "mpe/simple_spread_v3"


def play(env: Any) -> float:
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


class Timed:
    """Stands for an attribute that is called, and keeps how long each call takes."""

    def __init__(self, owner: Any, name: str) -> None:
        self.inner, self.seconds = getattr(owner, name), []
        setattr(owner, name, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        result = self.inner(*args, **kwargs)
        self.seconds.append(time.perf_counter() - began)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds) * 1e6


def small_array_call(after_a_step: bool) -> float:
    """Median microseconds of one ``a * b`` on four floats, on its own or each time after an environment's step."""
    env, pair, found = make_parallel(TASK), np.ones((2, 4), dtype=np.float32), []
    env.reset(seed=0)
    for _ in range(STEPS):
        if after_a_step:
            env.step(dict.fromkeys(env.agents, 1))
            if not env.agents:
                env.reset()
        began = time.perf_counter()
        pair[0] * pair[1]
        found.append(time.perf_counter() - began)
    return statistics.median(found) * 1e6


def main() -> None:
    """Print the bare step, what each stack adds, and the parts of the full one."""
    size = len(make_parallel(TASK).state_names)
    agents = make_parallel(TASK).possible_agents
    scope = InfluenceScope.from_dimensions({a: [[4 * i, 4 * i + 1]] * 5 for i, a in enumerate(agents)}, size)
    goals = GoalBuffer(size)
    goals.add(np.zeros((1, size), dtype=np.float32), np.array([True]))

    def full(env: Any) -> GoalSegmentReward:
        return GoalSegmentReward(GoalSampling(InfluenceCountBonus(env, scope), scope, goals), scope)

    stacks: dict[str, Callable[[Any], Any]] = {
        "count bonus": lambda e: InfluenceCountBonus(e, scope),
        "goal recording": lambda e: GoalRecording(e, scope, goals),
        "goal sampling": lambda e: GoalSampling(e, scope, goals),
        "goal sampling and segment reward": lambda e: GoalSegmentReward(GoalSampling(e, scope, goals), scope),
        "full stack": full,
    }
    bare = play(make_parallel(TASK))
    print(f"bare step: {bare:.1f} us")
    for name, wrap in stacks.items():
        print(f"{name}: +{play(wrap(make_parallel(TASK))) - bare:.1f} us")

    top = full(make_parallel(TASK))
    sampling, count = top.env, top.env.env
    parts = {
        "reading and checking the state": [Timed(count, "_see")],
        "Eq. 10 (CountBonus)": [Timed(count, "reward")],
        "Eq. 7 (GoalReward)": [Timed(top, "reward")],
        "goals: told of wins, shown": [Timed(sampling, "_advance")],
        "rewards and infos as dicts": [
            Timed(env, name) for env in (count, top) for name in ("_paid", "_inner_rewards")
        ],
    }
    play(top)
    print("inside the full stack, timer included:")
    for name, timed in parts.items():
        print(f"  {name}: {sum(part.median for part in timed):.1f} us")
    hot, cold = small_array_call(False), small_array_call(True)
    print(f"one product of four floats: {hot:.2f} us in a loop, {cold:.2f} us after an environment's step")


if __name__ == "__main__":
    main()
