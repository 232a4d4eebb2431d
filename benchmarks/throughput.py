"""Raw environment speed, training throughput by stage, peak memory.

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
from isa_learners.runs.algorithm import Algorithm, resolve_device, scope_for
from isa_learners.runs.config_io import make_config
from isa_learners.runs.run_folder import versions
from isa_wrappers.batch_wrappers import BatchCountBonus
from isa_wrappers.envs import make_batch

RAW_ENVS = 1_024
REPEATS = 5


def timed(call: Callable[[], Any], device: str, repeats: int = REPEATS) -> float:
    """Median seconds of ``call`` over ``repeats``, after one call that is not counted."""
    found = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        call()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        found.append(time.perf_counter() - began)
    return statistics.median(found[1:])


def raw_speed(task: str, device: str, num_envs: int, steps: int = 200) -> float:
    """Environment steps a second with uniformly random actions, drawing them included."""
    env = make_batch(task, num_envs, device)
    env.reset(seed=0)
    shape, n = (num_envs, len(env.agents)), max(env.num_actions)

    def play() -> None:
        for _ in range(steps):
            env.step(torch.randint(n, shape, device=device))

    return steps * num_envs / timed(play, device)


def stages(config: RunConfig) -> dict[str, float]:
    """Milliseconds and shares of one iteration of the exploration phase, stage by stage."""
    device = config.device
    torch.set_num_threads(config.threads)
    algorithm = Algorithm(config, scope_for(config)[0])
    collector, ppo = algorithm.phase.collector, algorithm.phase.ppo
    steps = config.ppo.rollout_steps
    rollout = collector.collect(steps)
    env = collector.env
    if not isinstance(env, BatchCountBonus):
        raise SystemExit("the exploration phase must wrap the environment with the count bonus")
    collect = timed(lambda: collector.collect(steps), device)
    update = timed(lambda: ppo.update(rollout), device)

    def replay(stepped: Any) -> Callable[[], None]:
        return lambda: [stepped.step(action) for action in rollout.action] and None

    whole, inner = timed(replay(env), device), timed(replay(env.env), device)
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
    """Measure, print, and write JSON where asked."""
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
