"""Total time of a comparison on Ray and in local processes with equal cores, and the cost of tiny runs on both.

python benchmarks/ray_against_local.py --rounds 3 --tiny 200

Both sides run the same plan with `isa compare`, in turn, each in an empty folder, with one run per core at a time.
Tiny runs end immediately, so that their time is that of starting and ending a run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CORES = os.cpu_count() or 1
SIDES = {"local": ["--jobs", str(CORES)], "ray": ["--on", "ray"]}
TINY = {
    "tasks": {"grid/unlock": {"kwargs": {"num_agents": 2, "grid": 4, "targets": [[0, 2], [3, 1]], "horizon": 4}}},
    "variants": {"ippo": None},
    "steps": 8,
    "episodes": 1,
    "set": {"device": "cpu", "eval_episodes": 1, "ppo": {"num_envs": 2, "rollout_steps": 4, "minibatches": 1}},
}


def timed(plan: dict[str, object], side: str) -> float:
    """Run a comparison and return its seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plan.yaml").write_text(json.dumps(plan))
        order = ["-m", "isa_cli", "compare", "plan.yaml", "--out", "out", "--quiet", "--figures", "png", *SIDES[side]]
        began = time.perf_counter()
        done = subprocess.run([sys.executable, *order], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{side}: {done.stderr.strip() or done.stdout.strip()}")
        return time.perf_counter() - began


def main() -> None:
    """Print the seconds of both sides, measured in turn, and those of tiny runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=8, help="runs of grid/unlock, about ten seconds each")
    parser.add_argument("--steps", type=int, default=60_000)
    parser.add_argument("--tiny", type=int, default=200)
    options = parser.parse_args()
    plan = {
        "tasks": ["grid/unlock"],
        "variants": ["isa"],
        "seeds": list(range(options.runs)),
        "steps": options.steps,
        "set": {"device": "cpu"},
    }
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(options.rounds):
        for side, taken in seconds.items():
            taken.append(timed(plan, side))
            print(
                f"{options.runs} runs of {options.steps:,} steps, {CORES} cores, {side}: {taken[-1]:.1f} s", flush=True
            )
    if options.rounds:
        ratios = [ray / local for ray, local in zip(seconds["ray"], seconds["local"], strict=True)]
        print(f"Ray / local: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    if options.tiny:
        for side in SIDES:
            taken = timed({**TINY, "seeds": list(range(options.tiny))}, side)
            print(
                f"{options.tiny} tiny runs, {side}: {taken:.1f} s, {CORES * taken / options.tiny:.2f} s of a core each"
            )


if __name__ == "__main__":
    main()
