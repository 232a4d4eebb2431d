"""skrl, tianshou and AgileRL over both wrapper stacks, stepped with random actions.

Each library's own multi-agent wrapper is put around a stack over the door of examples/ and stepped through whole
episodes. The script reports what a learner would receive: the size of observations and the sum of absolute rewards.

python -m benchmarks.other_learners [LIBRARY ...]
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from benchmarks.third_party_stacks import exploring, reaching
from examples.own_environment import Door
from isa_wrappers import InfluenceScope, ScopeConfig, estimate_scope

STEPS = 300
COPIES = 2
WON = np.array([5, 5, 10], np.float32)


@cache
def scope_of_door() -> InfluenceScope:
    return estimate_scope(Door(), ScopeConfig(transitions=2_000), seed=0)


def door(stack: str) -> Any:
    """Return a stack over the door environment."""
    scope = scope_of_door()
    return exploring(Door(), scope) if stack == "explore" else reaching(Door(), scope, WON)


def skrl(make: Callable[[], Any]) -> tuple[int, float]:
    import torch
    from skrl.envs.wrappers.torch import wrap_env

    env = wrap_env(make(), wrapper="pettingzoo", verbose=False)
    observations, _ = env.reset()
    sizes, paid = {tuple(value.shape) for value in observations.values()}, 0.0
    env.state()
    for _ in range(STEPS):
        drawn = {agent: torch.tensor([[env.action_spaces[agent].sample()]]) for agent in env.agents}
        observations, rewards, *_ = env.step(drawn)
        sizes |= {tuple(value.shape) for value in observations.values()}
        paid += sum(float(reward.abs().sum()) for reward in rewards.values())
        if not env.agents:
            env.reset()
    env.close()
    return one_size(sizes), paid


def tianshou(make: Callable[[], Any]) -> tuple[int, float]:
    from pettingzoo.utils.conversions import parallel_to_aec
    from tianshou.env import DummyVectorEnv
    from tianshou.env.pettingzoo_env import PettingZooEnv

    envs = DummyVectorEnv([lambda: PettingZooEnv(parallel_to_aec(make()))] * COPIES)
    observations, _ = envs.reset()
    sizes, paid = set(), 0.0
    for _ in range(STEPS):
        drawn = np.array([np.random.choice(np.flatnonzero(one["mask"])) for one in observations])
        observations, rewards, terminated, truncated, _ = envs.step(drawn)
        sizes |= {np.shape(one["obs"]) for one in observations}
        paid += float(np.abs(rewards).sum())
        if len(over := np.flatnonzero(terminated | truncated)):
            observations[over] = envs.reset(over)[0]
    envs.close()
    return one_size(sizes), paid


def agilerl(make: Callable[[], Any]) -> tuple[int, float]:
    from agilerl.vector.pz_async_vec_env import AsyncPettingZooVecEnv

    envs = AsyncPettingZooVecEnv([make] * COPIES)
    observations, _ = envs.reset(seed=0)
    sizes, paid = set(), 0.0
    for _ in range(STEPS):
        drawn = {
            agent: np.array([envs.single_action_space(agent).sample() for _ in range(COPIES)]) for agent in envs.agents
        }
        observations, rewards, *_ = envs.step(drawn)
        sizes |= {np.shape(value)[1:] for value in observations.values()}
        paid += sum(float(np.nansum(np.abs(reward))) for reward in rewards.values())
    envs.close()
    return one_size(sizes), paid


def one_size(sizes: set[tuple[int, ...]]) -> int:
    """Return the length of an observation, which must be the same throughout."""
    if len(sizes) != 1:
        raise ValueError(f"observations of several shapes: {sorted(sizes)}")
    return int(np.prod(next(iter(sizes))))


LIBRARIES: dict[str, Callable[[Callable[[], Any]], tuple[int, float]]] = {
    "skrl": skrl, "tianshou": tianshou, "agilerl": agilerl,
}  # fmt: skip


def main() -> None:
    for name in sys.argv[1:] or LIBRARIES:
        try:
            which = f"{name} {version(name)}"
        except PackageNotFoundError:
            print(f"| {name} | - | not installed | | |")
            continue
        for stack in ("explore", "reach"):
            began = time.perf_counter()
            try:
                size, paid = LIBRARIES[name](partial(door, stack))
                said = f"{size} numbers | {paid:.1f}"
            except Exception as error:
                traceback.print_exc()
                said = f"{type(error).__name__}: {error} | -"
            print(f"| {which} | {stack} | {STEPS} steps | {said} | {time.perf_counter() - began:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
