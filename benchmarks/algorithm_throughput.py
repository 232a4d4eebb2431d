"""Environment steps per second and peak memory of every algorithm and learned novelty bonus, relative to IPPO.

python benchmarks/algorithm_throughput.py grid/navigation smax/3m --steps 40000

Each one is trained by ``isa train`` in its own process, one after the other, with preset ``fast`` and one thread.
Speeds come from ``metrics.csv`` and include updates but not evaluations: the median over the second half of the run,
when everything is compiled and the replay buffer, if any, is in use. ISA has one row for each phase that it reaches.
Memory is the peak of the process.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from isa_learners.algorithms import ALGORITHMS
from isa_wrappers.rewards import REWARDS

NO_NOVELTIES = ("count_bonus", "goal_reward", "laies")
"""Rewards that belong to an algorithm."""
HALVES = ("isa_explore", "isa_reach")
"""Single phases of ISA; the rows of ``isa`` cover them."""
EXTERNAL = {"grid/navigation": "[agent_0.x]", "smax/3m": "[enemy_*.health]"}
"""The dimensions that LAIES rewards; its speed does not depend on the choice."""
WATCH = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def variants(task: str) -> dict[str, list[str]]:
    """Return the options of ``isa train`` for each variant, by name."""
    names = ["ippo", *(name for name in ALGORITHMS if name not in ("ippo", *HALVES))]
    found = {name: ["--algo", name] for name in names}
    found["laies"] += ["--set", f"laies.external={EXTERNAL.get(task, 'scope')}"]
    novelties = [name for name in REWARDS if name not in NO_NOVELTIES]
    return found | {name: ["--algo", "ippo", "--set", f"intrinsic={name}"] for name in novelties}


def measure(task: str, options: list[str], steps: int) -> tuple[dict[str, float], float]:
    """Train once; return steps per second by phase, and peak memory in MB."""
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        order = [sys.executable, "-m", "isa_cli", "train", task, "--steps", str(steps), "--device", "cpu", *options]
        order += ["--set", "eval_interval=2000", "--set", "eval_episodes=1", "--quiet", "--out", str(run)]
        done = subprocess.run(
            [sys.executable, "-c", WATCH, *order],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        if done.returncode:
            raise SystemExit(f"{task} {' '.join(options)}: {done.stderr.strip()}")
        speeds: dict[str, list[float]] = {}
        for row in csv.DictReader((run / "metrics.csv").open(newline="")):
            speeds.setdefault(row["phase"], []).append(float(row["steps_per_second"]))
        return {phase: statistics.median(of[len(of) // 2 :]) for phase, of in speeds.items()}, int(done.stdout) / 1024


def main() -> None:
    """Print a table for each task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--steps", type=int, default=40_000)
    parser.add_argument("--only", nargs="+", help="names of the variants to run; default: all")
    options = parser.parse_args()
    for task in options.tasks:
        print(f"| `{task}` | steps a second | of IPPO's | peak memory |\n|---|---|---|---|", flush=True)
        beside = 0.0
        for name, asked in variants(task).items():
            if options.only and name not in options.only:
                continue
            speeds, megabytes = measure(task, asked, options.steps)
            beside = beside or next(iter(speeds.values()))
            for phase, speed in speeds.items():
                label = f"`{name}`" + (f", {phase}" if len(speeds) > 1 else "")
                print(f"| {label} | {speed:,.0f} | {speed / beside:.2f} | {megabytes:,.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
