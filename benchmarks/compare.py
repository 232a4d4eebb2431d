"""Algorithms compared on a task: several seeds each, equal environment steps, one plot and one table.

    python benchmarks/compare.py smax/3m --kwargs '{"reward": "super_sparse"}' --steps 1000000 --out runs/3m

Runs that are finished under --out are not run again; broken-off ones are resumed. A seed's final figure is the mean
success rate of its last three greedy evaluations, or, with --final-episodes N, that of its last checkpoint over N
greedy episodes; the interval is a 95 % bootstrap of the mean over seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from isa_learners.runs.metrics import read_metrics
from isa_learners.runs.plots import plot_curves
from isa_learners.runs.run_folder import RunFolder, versions

LAST = 3
"""Evaluations that make the final figure."""
ISA = [str(Path(sys.executable).parent / "isa")]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


def train(args: argparse.Namespace, algo: str, seed: int) -> RunFolder:
    """Run ``isa train`` in a process of its own, or resume it, or leave it when it is finished."""
    path = args.out / f"{algo}-seed{seed}"
    command = [*ISA, "train"]
    if (path / "config.yaml").exists():
        command += ["--resume", str(path), "--steps", str(args.steps)]
    else:
        command += [args.task, "--algo", algo, "--seed", str(seed), "--steps", str(args.steps), "--out", str(path)]
        command += ["--kwargs", args.kwargs, "--preset", args.preset, *(f"--set={item}" for item in args.set)]
    if not (path / "summary.json").exists():
        subprocess.run(command, check=True, env=ONE_THREAD, stdout=subprocess.DEVNULL)
    return RunFolder.open(path)


def final(folder: RunFolder, episodes: int) -> dict[str, float]:
    """Return a run's final success rate, its first win and its seconds."""
    rows = read_metrics(folder.metrics_file)
    summary = json.loads(folder.summary_file.read_text())
    first = summary["first_success"] or {"env_steps": float("nan")}
    rate = statistics.mean(float(row["success_rate"]) for row in rows[-LAST:])
    if episodes:
        command = [*ISA, "eval", str(folder.path), "--episodes", str(episodes), "--json"]
        found = subprocess.run(command, check=True, env=ONE_THREAD, stdout=subprocess.PIPE).stdout
        rate = json.loads(found)["success_rate"]
    return {
        "success_rate": rate,
        "env_steps": float(rows[-1]["env_steps"]),
        "wall_time_s": float(rows[-1]["wall_time_s"]),
        "first_win": first["env_steps"],
    }


def interval(values: list[float]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    draws = np.random.default_rng(0).choice(values, size=(10_000, len(values))).mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def main() -> None:
    """Train, print the table, write ``results.json`` and ``curves.png``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("task")
    parser.add_argument("--kwargs", default="{}")
    parser.add_argument("--algos", nargs="+", default=["isa", "ippo"])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--set", nargs="*", default=[], help="configuration overrides, key=value")
    parser.add_argument("--final-episodes", type=int, default=0, help="of the last checkpoint; 0: last evaluations")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    with ThreadPoolExecutor(args.jobs) as pool:
        pending = [(algo, pool.submit(train, args, algo, seed)) for seed in range(args.seeds) for algo in args.algos]
        folders = [(algo, future.result()) for algo, future in pending]
        finals = list(pool.map(lambda found: final(found[1], args.final_episodes), folders))
    results: dict[str, Any] = {"command": sys.argv[1:], "versions": versions(), "algos": {}}
    print("algo   success: median, mean [95 %]     by seed                         first win, median   minutes a run")
    for algo in args.algos:
        runs = [run for (name, _), run in zip(folders, finals, strict=True) if name == algo]
        rates = [run["success_rate"] for run in runs]
        low, high = interval(rates)
        results["algos"][algo] = {"runs": runs, "median": statistics.median(rates), "interval": [low, high]}
        wins = [run["first_win"] if run["first_win"] == run["first_win"] else float("inf") for run in runs]
        print(
            f"{algo:<6} {statistics.median(rates):.2f}, {statistics.mean(rates):.2f} [{low:.2f}, {high:.2f}]  "
            f"{' '.join(f'{rate:.2f}' for rate in rates):<30}  {statistics.median(wins):>16,.0f}  "
            f"{statistics.median(run['wall_time_s'] for run in runs) / 60:.1f}"
        )
    (args.out / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    print(plot_curves([folder for _, folder in folders], args.out / "curves.png"))


if __name__ == "__main__":
    main()
