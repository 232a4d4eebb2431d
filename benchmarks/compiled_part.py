"""CPU time of training with and without the compiled part, in alternating iterations.

    taskset -c 1 python benchmarks/compiled_part.py grid/navigation smax/3m [--pairs 12] [--set ppo.epochs=4]

CPU time is not affected by other processes on the same core. ``two cores`` is the time an iteration would take with
actor and critic updated in parallel: the total minus the shorter of the two updates.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from isa_learners.compiled import clipping, library, network, objective
from isa_learners.ppo.policy_update import PolicyUpdate
from isa_learners.ppo.update import PPO
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.config_io import make_config
from isa_learners.runs.scopes import scope_for

STAGES = {"actor": (PolicyUpdate, "_step"), "critic": (PPO, "_critic_step"), "targets": (PPO, "prepare")}


class Stages:
    """Adds up the CPU time of functions, in whichever thread they run."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        for name, (owner, attribute) in STAGES.items():
            setattr(owner, attribute, self._timed(name, getattr(owner, attribute)))

    def _timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.thread_time()
            result = call(*args, **kwargs)
            self.seconds[name] += time.thread_time() - began
            return result

        return timed


def iteration(algorithm: Algorithm, steps: int, stages: Stages) -> dict[str, float]:
    """Return the seconds of one iteration and of its stages."""
    stages.seconds = dict.fromkeys(STAGES, 0.0)
    began = time.process_time()
    rollout = algorithm.phase.collector.collect(steps)
    collected = time.process_time()
    algorithm.phase.learner.learn(rollout)
    whole = time.process_time() - began
    side_by_side = whole - min(stages.seconds["actor"], stages.seconds["critic"])
    return {"one core": whole, "two cores": side_by_side, "collecting": collected - began, **stages.seconds}


def measure(task: str, pairs: int, overrides: dict[str, Any], stages: Stages) -> None:
    """Print the milliseconds of an iteration, plain and compiled, and their ratio: medians over all pairs."""
    kwargs = {"env_kwargs": {"reward": "super_sparse"}} if task.startswith("smax/") else {}
    config = make_config(task, "fast", {"device": "cpu", "scope": {"transitions": 500}, **kwargs, **overrides})
    algorithm = Algorithm(config, scope_for(config)[0])
    found: list[dict[bool, dict[str, float]]] = []
    for pair in range(-1, pairs):
        found.append({})
        for compiled in (True, False) if pair % 2 else (False, True):
            for part in (network, objective, clipping):
                part.library = (lambda: kernels) if compiled else (lambda: None)  # type: ignore
            found[-1][compiled] = iteration(algorithm, config.ppo.rollout_steps, stages)
    for name in found[0][True]:
        plain, ours = ([1e3 * pair[way][name] for pair in found[1:]] for way in (False, True))
        ratios = sorted(a / b for a, b in zip(plain, ours, strict=True))
        quarter = len(ratios) // 4
        print(
            f"{task} {name:>12} {statistics.median(plain):9.1f} {statistics.median(ours):9.1f} ms"
            f" {statistics.median(ratios):6.2f} ({ratios[quarter]:.2f} to {ratios[-1 - quarter]:.2f})",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--set", action="append", default=[], metavar="ppo.KEY=NUMBER")
    args = parser.parse_args()
    settings = dict(item.removeprefix("ppo.").split("=") for item in args.set)
    numbers = {name: float(value) if "." in value else int(value) for name, value in settings.items()}
    torch.set_num_threads(1)
    stages = Stages()
    for task in args.tasks:
        measure(task, args.pairs, {"ppo": numbers} if numbers else {}, stages)


if __name__ == "__main__":
    kernels = library.library()
    if kernels is None:
        raise SystemExit("the compiled part is not built; build it with python setup.py build_ext --inplace")
    main()
