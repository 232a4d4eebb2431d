"""Raw environment speed, training throughput by stage, and peak memory.

python benchmarks/throughput.py [--task grid/navigation] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from isa_learners.config import RunConfig
from isa_learners.graphs.captured import Captured, graphs_on
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.config_io import make_config
from isa_learners.runs.devices import resolve_device
from isa_learners.runs.run_folder import versions
from isa_learners.runs.scopes import scope_for
from isa_wrappers.envs import make_batch
from isa_wrappers.wrappers.batch import InfluenceCountBonus

RAW_ENVS = 1_024
REPEATS = 5


def timed(call: Callable[[], Any], device: str, repeats: int = REPEATS) -> float:
    """Return the median seconds of ``call`` over ``repeats``, after one warm-up call."""
    found = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        call()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        found.append(time.perf_counter() - began)
    return statistics.median(found[1:])


class RandomPlay:
    """An environment stepped with uniformly random actions."""

    def __init__(self, task: str, device: str, num_envs: int) -> None:
        self.env = make_batch(task, num_envs, device)
        self.env.reset(seed=0)
        self.shape, self.n = (num_envs, len(self.env.agents)), max(self.env.num_actions)

    def step(self) -> None:
        """Draw random actions and take one step."""
        self.env.step(torch.randint(self.n, self.shape, device=self.env.device))


class Again:
    """Repeats a rollout's actions ``[T, B, A]``."""

    def __init__(self, env: Any, actions: torch.Tensor) -> None:
        self.env, self.actions = env, actions
        self.time = torch.zeros(1, dtype=torch.int64, device=actions.device)
        recorded = graphs_on(str(actions.device))
        self._recorded = Captured(self.step, [self], leave=(Captured,)) if recorded else None

    def step(self) -> None:
        """Take the next step."""
        self.env.step(self.actions.index_select(0, self.time)[0])
        self.time.add_(1).remainder_(len(self.actions))

    def play(self) -> None:
        """Take all steps."""
        if self._recorded is not None:
            self._recorded.repeat(len(self.actions))
            return
        for _ in range(len(self.actions)):
            self.step()


def raw_speed(task: str, device: str, num_envs: int, steps: int = 200) -> float:
    """Return environment steps per second with uniformly random actions, including drawing them."""
    play = RandomPlay(task, device, num_envs)
    if graphs_on(device):
        recorded = Captured(play.step, [play])
        return steps * num_envs / timed(lambda: recorded.repeat(steps), device)
    return steps * num_envs / timed(lambda: [play.step() for _ in range(steps)] and None, device)


def stages(config: RunConfig) -> dict[str, float]:
    """Return the milliseconds and shares of one iteration of the exploration phase, by stage."""
    device = config.device
    torch.set_num_threads(config.threads)
    algorithm = Algorithm(config, scope_for(config)[0])
    collector, learner = algorithm.phase.collector, algorithm.phase.learner
    steps = config.ppo.rollout_steps
    rollout = collector.collect(steps)
    env = collector.env
    if not isinstance(env, InfluenceCountBonus):
        raise SystemExit("the exploration phase must wrap the environment with the count bonus")
    collect = timed(lambda: collector.collect(steps), device)
    update = timed(lambda: learner.learn(rollout), device)

    whole, inner = (timed(Again(stepped, rollout.action).play, device) for stepped in (env, env.env))
    parts = {
        "environment": inner,
        "isa_arithmetic": whole - inner,
        "policy": collect - whole,
        "update": update,
    }
    found = {f"{name}_ms": seconds * 1e3 for name, seconds in parts.items()}
    found |= {f"{name}_share": seconds / (collect + update) for name, seconds in parts.items()}
    return found | {"env_steps_per_second": steps * config.ppo.num_envs / (collect + update)}


def main() -> None:
    """Measure, print, and write JSON if requested."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--task", default="grid/navigation")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--raw-envs", type=int, default=RAW_ENVS)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    device = resolve_device(args.device)
    result: dict[str, Any] = {"task": args.task, "device": device, "versions": versions()}
    result["raw_envs"] = args.raw_envs
    for threads in (1, 2):
        torch.set_num_threads(threads)
        result[f"raw_steps_per_second_{threads}_threads"] = raw_speed(args.task, device, args.raw_envs)
    for preset in ("fast", "paper"):
        result[preset] = stages(make_config(args.task, preset, {"device": device}))
    result["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, value in result.items():
        print(f"{name}: {value}")
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
