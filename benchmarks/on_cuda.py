"""Training on CUDA: seconds until solved, steps per second of one or several processes, reproducibility, memory.

    python benchmarks/on_cuda.py [PART ...] [--device auto] [--first 60] [--seeds 5] [--small] [--json FILE]

PARTs are the keys of :data:`PARTS`; by default all run, in that order. Each prints its results as they come, so that an
interrupted run keeps them. ``--small`` uses sizes that a CPU handles in a minute; it only tests the script.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.config_io import make_config
from isa_learners.runs.devices import resolve_device
from isa_learners.runs.hooks import Hook
from isa_learners.runs.loading import use_threads
from isa_learners.runs.run_folder import versions
from isa_learners.runs.scopes import scope_for
from isa_learners.runs.signals import Interrupted
from isa_learners.runs.training import train
from isa_wrappers.envs.smax.install import has_jaxmarl

TASKS = ("grid/navigation", "grid/shooting", "grid/unlock")
SPARSE = {"reward": "super_sparse"}


@dataclass
class Asked:
    """What to measure, and where."""

    device: str
    seeds: range
    small: bool
    folder: Path
    found: dict[str, Any] = field(default_factory=dict)

    def size(self, whole: int, small: int) -> int:
        """Return ``small`` with ``--small``, otherwise ``whole``."""
        return small if self.small else whole


def waited(device: str) -> float:
    """Wait for the device, then return the time."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter()


def run(asked: Asked, task: str, seed: int, hooks: tuple[Hook, ...] = (), **settings: Any) -> dict[str, Any]:
    """Train once; return the summary with the run's folder."""
    out = asked.folder / f"{len(list(asked.folder.iterdir()))}"
    summary = train(make_config(task, "fast", {"device": asked.device, "seed": seed, **settings}), out, hooks)
    return {**summary, "folder": out}


def seeds(asked: Asked) -> Iterator[dict[str, Any]]:
    """Measure the seconds after imports until a task is solved, seed by seed; also with updates in bfloat16."""
    for task in TASKS[: asked.size(3, 1)]:
        for bf16 in (False, True) if task == TASKS[0] else (False,):
            steps = asked.size(400_000, 14_000)
            for seed in asked.seeds:
                summary = run(asked, task, seed, steps=steps, stop_when_solved=True, ppo={"bf16": bf16})
                yield {"task": task, "seed": seed, "bf16": bf16, "solved": summary["solved"]}


def speed(asked: Asked) -> Iterator[dict[str, Any]]:
    """Measure the milliseconds of collecting and learning, and the steps per second of whole iterations."""
    battles = [("smax/3m", {}, asked.size(16_384, 16))] if has_jaxmarl() else []
    grid = [(TASKS[0], {"bf16": bf16}, asked.size(envs, 64)) for bf16 in (False, True) for envs in (16_384, 65_536)]
    for task, settings, envs in battles + grid[:: asked.size(1, 2)]:
        more = {"env_kwargs": SPARSE} if task.startswith("smax") else {}
        config = make_config(task, "fast", {"device": asked.device, "ppo": {"num_envs": envs, **settings}, **more})
        algorithm, spent = Algorithm(config, scope_for(config)[0]), defaultdict(list)
        for number in range(asked.size(8, 2)):
            collector, learner = algorithm.phase.collector, algorithm.phase.learner
            began = waited(asked.device)
            rollout = collector.collect(config.ppo.rollout_steps)
            collected = waited(asked.device)
            learner.learn(rollout)
            learned = waited(asked.device)
            algorithm.iterate()
            if number >= asked.size(3, 0):  # steps are recorded in earlier iterations
                spent["collect"].append(collected - began)
                spent["learn"].append(learned - collected)
                spent["iteration"].append(waited(asked.device) - learned)
        median = {name: statistics.median(times) for name, times in spent.items()}
        rate = envs * config.ppo.rollout_steps / median["iteration"]
        ms = {name: round(1e3 * value, 2) for name, value in median.items()}
        yield {"task": task, "envs": envs, **settings, "milliseconds": ms, "steps_per_second": rate}


class Until(Hook):
    """Stops a run when an evaluation reaches a success rate."""

    def __init__(self, rate: float) -> None:
        self.rate, self.reached = rate, None

    def on_evaluation(self, training: Any, evaluation: dict[str, Any]) -> None:
        """Store the evaluation and stop the run if the rate is reached."""
        if evaluation["success_rate"] >= self.rate:
            self.reached = {name: evaluation[name] for name in ("env_steps", "wall_time_s", "success_rate")}
            raise Interrupted


def smax(asked: Asked) -> Iterator[dict[str, Any]]:
    """Measure seconds and steps until a success rate of 0.95 on smax/3m, super-sparse."""
    for seed in asked.seeds[:3] if has_jaxmarl() else ():
        until, began = Until(0.95), time.perf_counter()
        settings = {"steps": asked.size(1_000_000, 14_000), "eval_episodes": 128, "env_kwargs": SPARSE}
        with suppress(Interrupted):
            run(asked, "smax/3m", seed, (until,), **settings)
        yield {"task": "smax/3m", "seed": seed, "reached": until.reached, "seconds": time.perf_counter() - began}


def agreement(asked: Asked) -> Iterator[dict[str, Any]]:
    """List the tensors that differ between the last checkpoints of two runs with the same seed."""
    settings = {"steps": asked.size(60_000, 14_000)}
    states = []
    for _ in range(2):
        summary = run(asked, TASKS[0], 7, **settings)
        states.append(load_file(summary["folder"] / "checkpoints" / "latest.safetensors"))
    yield {"tensors": len(states[0]), "differ": [k for k, v in states[0].items() if not torch.equal(v, states[1][k])]}


def memory(asked: Asked) -> Iterator[dict[str, Any]]:
    """Measure the bytes held on the device after each iteration: minimum and maximum per minute, for ten minutes."""
    config = make_config(TASKS[0], "fast", {"device": asked.device})
    algorithm = Algorithm(config, scope_for(config)[0])
    for minute in range(1, 1 + asked.size(10, 1)):
        held, began = [], time.perf_counter()
        while time.perf_counter() - began < asked.size(60, 5):
            algorithm.iterate()
            held.append(torch.cuda.memory_allocated() if asked.device.startswith("cuda") else 0)
        yield {"minute": minute, "iterations": len(held), "bytes_least": min(held), "bytes_most": max(held)}


def together(asked: Asked) -> Iterator[dict[str, Any]]:
    """Measure the steps per second of one process and of several at once, with the preset's number of environments."""
    task = "smax/8m_vs_9m" if has_jaxmarl() and not asked.small else TASKS[0]
    spawn = multiprocessing.get_context("spawn")
    for count in (1, asked.size(8, 2)):
        with spawn.Manager() as manager:
            barrier = manager.Barrier(count)
            with spawn.Pool(count) as pool:
                each = [(asked.device, task, seed, asked.size(15, 2), barrier) for seed in range(count)]
                yield {"task": task, "processes": count, "steps_per_second": pool.starmap(rate, each, chunksize=1)}


def rate(device: str, task: str, seed: int, seconds: float, barrier: Any) -> float:
    """Return the steps per second of a run that starts together with others, after its steps are recorded."""
    kwargs = SPARSE | {"border": "closed"} if task.startswith("smax") else {}
    config = make_config(task, "fast", {"device": device, "seed": seed, "env_kwargs": kwargs})
    use_threads(config)
    algorithm = Algorithm(config, scope_for(config)[0])
    for _ in range(4):
        algorithm.iterate()
    barrier.wait()
    before, began = algorithm.env_steps, waited(device)
    while time.perf_counter() - began < seconds:
        algorithm.iterate()
    return (algorithm.env_steps - before) / (waited(device) - began)


PARTS: dict[str, Callable[[Asked], Iterator[dict[str, Any]]]] = {
    "speed": speed,
    "agreement": agreement,
    "seeds": seeds,
    "smax": smax,
    "memory": memory,
    "together": together,
}


def main() -> None:
    """Measure, print, and write JSON if requested."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--first", type=int, default=60, help="first seed")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds; at most three for smax")
    parser.add_argument("--small", action="store_true", help="use sizes suited to a CPU")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    device = resolve_device(args.device)
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu"
    result: dict[str, Any] = {"device": name, "versions": versions() | {"cuda": torch.version.cuda}}
    print(name, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked(device, range(args.first, args.first + args.seeds), args.small, Path(folder))
        for part in args.parts or PARTS:
            result[part] = []
            for row in PARTS[part](asked):
                result[part].append(row)
                print(part, json.dumps(row), flush=True)
                if args.json:
                    args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
