"""CPU time that each PettingZoo wrapper adds to a step of simple_spread (3 agents), with all stacks side by side.

python benchmarks/wrapper_overhead.py

Every episode is played in each stack, one after the other, so that a slowdown of the machine affects all of them alike.
Taking single steps in turn would favour the stacks: the environment's code would be in the cache after the bare step.
"""

from __future__ import annotations

import statistics
import time
import timeit
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from isa_wrappers import CountBonus, GoalBuffer, GoalReward, InfluenceScope, Transition
from isa_wrappers.envs import make_parallel
from isa_wrappers.rewards.plain import PlainCountBonus, PlainGoalReward, PlainSum
from isa_wrappers.rewards.transition import PlainStep
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

EPISODES, STEPS = 160, 25
TASK = "mpe/simple_spread_v3"


def stacks(own: int) -> dict[str, Callable[[Any], Any]]:
    """Return the wrapper stacks by name, for a scope in which each agent moves ``own`` dimensions."""
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
    """Return the median microseconds of a step in each environment, with the same random actions."""
    rng = np.random.default_rng(0)
    seconds: dict[str, list[float]] = {name: [] for name in made}
    for episode in range(EPISODES):
        chosen = rng.integers(5, size=(STEPS, 3)).tolist()
        for name, env in made.items():
            env.reset(seed=episode)
            for row in chosen:
                actions = dict(zip(env.agents, row, strict=True))
                began = time.thread_time()
                env.step(actions)
                seconds[name].append(time.thread_time() - began)
    return {name: statistics.median(found) * 1e6 for name, found in seconds.items()}


def arithmetic(own: int) -> tuple[float, float]:
    """Return the microseconds of Eq. 7 and Eq. 10 in one step on arrays and on plain numbers, for 3 agents."""
    names = [f"agent_{i}" for i in range(3)]
    dims = {name: [list(range(own * i, own * (i + 1)))] * 5 for i, name in enumerate(names)}
    scope = InfluenceScope.from_dimensions(dims, 3 * own)
    bonus, progress = CountBonus(scope), GoalReward(scope)
    plain = (
        PlainCountBonus(bonus.counter, PlainSum(bonus.credit, bonus.special_weight, 1.0)),
        PlainGoalReward(progress.config.hamming, PlainSum(progress.credit, progress.special_weight, 1.0)),
    )
    states = np.random.default_rng(0).normal(size=(400, 3 * own)).astype(np.float32)
    actions, rewards, acted = np.ones(3, dtype=int), np.zeros(3, dtype=np.float32), np.ones(3, dtype=bool)

    def on_arrays() -> None:
        for before, after in pairwise(states):
            step = Transition(before, after, None, actions, rewards, acted, states[0])
            bonus(step)
            progress(step)

    def on_numbers() -> None:
        before, goal = states[0].tolist(), states[0].tolist()
        for state in states[1:]:
            after = state.tolist()
            step = PlainStep(before, after, [1] * 3, [0.0] * 3, [True] * 3, goal)
            for reward in plain:
                reward(step, True)
            before = after

    def best(way: Callable[[], None]) -> float:
        return min(timeit.repeat(way, time.thread_time, repeat=5, number=1)) / 399e-6

    return best(on_arrays), best(on_numbers)


def main() -> None:
    """Print the bare step's time, the time each stack adds, and from which size plain numbers are slower."""
    for own in (2, 4):
        found = play({name: wrap(make_parallel(TASK)) for name, wrap in stacks(own).items()})
        bare = found.pop("bare")
        print(f"{own} dimensions per agent; bare step {bare:.0f} us")
        for name, each in found.items():
            print(f"  {name}: +{each - bare:.0f} us, {100 * (each / bare - 1):.0f} %")
    for own in (2, 21, 64, 130):
        arrays, numbers = arithmetic(own)
        print(f"Eq. 7 and Eq. 10, {3 * own} dimensions: {arrays:.0f} us on arrays, {numbers:.0f} us on numbers")


if __name__ == "__main__":
    main()
