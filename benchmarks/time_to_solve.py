"""Environment steps and seconds until a task is solved, for several seeds, one after the other.

A task is solved at the first of three consecutive evaluations with a success rate of at least 0.9 (32 greedy episodes
every 10,000 environment steps). Seconds include the scope estimate and evaluations, but not imports.

    python benchmarks/time_to_solve.py --preset fast --seeds 5 --out runs/time-to-solve-fast
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from isa_learners.runs.config_io import make_config, parse_overrides
from isa_learners.runs.run_folder import RunFolder, versions
from isa_learners.runs.training import Training

TASKS = ("grid/navigation", "grid/shooting", "grid/unlock")


def solve(task: str, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """Train one seed; return its summary."""
    fixed = {"seed": seed, "steps": args.steps, "stop_when_solved": True, "algo": args.algo}
    config = make_config(task, args.preset, fixed, parse_overrides(args.set))
    folder = RunFolder.create(args.out / f"{task.replace('/', '-')}-{args.algo}-seed{seed}", config)
    return Training(folder, tensorboard=False).run()


def median(values: list[float | None]) -> float | None:
    """Return the median, with unsolved seeds counted as infinity; ``None`` if the median is infinite."""
    middle = statistics.median(float("inf") if value is None else value for value in values)
    return None if middle == float("inf") else middle


def main() -> None:
    """Train all tasks and seeds, print the results and write ``results.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--algo", default="isa")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2_100_000)
    parser.add_argument("--set", nargs="*", default=[], help="configuration overrides, key=value")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    results: dict[str, Any] = {"preset": args.preset, "algo": args.algo, "versions": versions(), "tasks": {}}
    for task in args.tasks:
        found = [solve(task, seed, args) for seed in range(args.seeds)]
        solved = [run["solved"] or {"env_steps": None, "wall_time_s": None} for run in found]
        steps, seconds = ([run[key] for run in solved] for key in ("env_steps", "wall_time_s"))
        results["tasks"][task] = {
            "env_steps": steps,
            "wall_time_s": seconds,
            "first_success": [run["first_success"] for run in found],
            "median_env_steps": median(steps),
            "median_wall_time_s": median(seconds),
            "solved": sum(value is not None for value in steps),
        }
        print(task, json.dumps(results["tasks"][task]), flush=True)
    (args.out / "results.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
