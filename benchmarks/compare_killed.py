"""Kills `isa compare` at random moments, gives it again each time, and holds its results against one never killed.

python benchmarks/compare_killed.py --kills 10

Each time the command and its process group are killed by SIGKILL; every second time its runs, which have sessions of
their own and else end with a checkpoint, are too. A comparison that ends before all kills are spent is held against the
one never killed, and another begins. Columns of the clock are left out; all else has to be equal, number for number.
Needs Linux.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from same_numbers import CLOCK, differences

PLAN = {
    "tasks": {"grid/unlock": {"kwargs": {"num_agents": 2, "grid": 4, "targets": [[0, 2], [3, 1]], "horizon": 12}}},
    "variants": {
        "isa": {"set": {"scope": {"transitions": 600}, "count": {"table_bits": 8}}},
        "ippo": {"algo": "ippo"},
    },
    "seeds": [0],
    "steps": 1_000,
    "episodes": 16,
    "set": {
        "device": "cpu",
        "eval_interval": 100,
        "eval_episodes": 4,
        "checkpoint_interval": 100,
        "ppo": {"num_envs": 4, "rollout_steps": 10, "hidden": 8},
    },
}


def start(plan: Path, out: Path) -> subprocess.Popen[bytes]:
    """Give the command."""
    command = [sys.executable, "-m", "isa_cli", "compare", str(plan), "--out", str(out), "--jobs", "2"]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)


def children(process: int) -> list[int]:
    """Return the processes that one has started itself."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def kill(process: subprocess.Popen[bytes], runs_too: bool) -> int:
    """Kill the command and its group, its runs' groups too if so; return how many runs were at work."""
    runs = children(process.pid)
    for group in [process.pid, *(runs if runs_too else [])]:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    process.wait()
    return len(runs)


def results(out: Path) -> list[dict[str, str]]:
    """Return the rows of ``results.csv`` without the clock."""
    with (out / "results.csv").open() as file:
        return [{key: value for key, value in row.items() if key not in CLOCK} for row in csv.DictReader(file)]


def unlike(whole: Path, out: Path) -> list[str]:
    """Say what differs between two finished comparisons: their results, and the metrics of every run."""
    told = [
        f"results.csv: {one['folder']}: {key} {value} {other.get(key)}"
        for one, other in zip(results(whole), results(out), strict=True)
        for key, value in one.items()
        if value != other.get(key)
    ]
    for metrics in sorted(whole.rglob("metrics.csv")):
        name = metrics.relative_to(whole)
        told += [f"{name}: {line}" for line in differences(metrics, out / name)]
    return told


def main() -> None:
    """Kill and compare; the exit code is 1 where anything differs or a command fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600.0, help="no further kill after these")
    args = parser.parse_args()
    rng, began = random.Random(args.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plan = root / "plan.yaml"
        plan.write_text(json.dumps(PLAN))
        code = start(plan, root / "whole").wait()
        took = time.monotonic() - began
        print(f"never killed: exit code {code}, {took:.0f} s, {len(results(root / 'whole'))} runs", flush=True)
        kills, at_work, number, wrong = 0, 0, 0, []
        while True:
            out = root / f"killed{number}"
            process = start(plan, out)
            last = kills == args.kills or time.monotonic() - began > args.seconds
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(None if last else rng.uniform(0.05, 0.6) * took)
            if process.poll() is None:
                at_work += kill(process, runs_too=kills % 2 == 1) > 0
                kills += 1
                continue
            told = [f"exit code {code}"] if code else unlike(root / "whole", out)
            print(f"comparison {number}, after {kills} kills: {'; '.join(told) or 'equal'}", flush=True)
            wrong, number = wrong + told, number + 1
            if last:
                break
    print(
        f"{kills} kills, {at_work} of them with runs at work, {number} comparisons, {len(wrong)} differences, "
        f"{time.monotonic() - began:.0f} s"
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
