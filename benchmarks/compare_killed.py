"""Kill `isa compare` at random moments, restart it each time, and compare its results with an uninterrupted one.

python benchmarks/compare_killed.py --kills 10

Each kill sends SIGKILL to the command and its process group. Every second kill also includes its runs, which have their
own sessions and would otherwise end with a checkpoint. When a comparison finishes before all kills are used, it is
checked against the uninterrupted one, and another begins. All columns except those of the clock must be equal, number
for number. Needs Linux.
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
    """Start the command."""
    command = [sys.executable, "-m", "isa_cli", "compare", str(plan), "--out", str(out), "--jobs", "2"]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)


def children(process: int) -> list[int]:
    """Return the direct child processes of a process."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def kill(process: subprocess.Popen[bytes], runs_too: bool) -> int:
    """Kill the command's process group, and those of its runs if ``runs_too``; return how many runs were active."""
    runs = children(process.pid)
    for group in [process.pid, *(runs if runs_too else [])]:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    process.wait()
    return len(runs)


def results(out: Path) -> list[dict[str, str]]:
    """Return the rows of ``results.csv`` without clock columns."""
    with (out / "results.csv").open() as file:
        return [{key: value for key, value in row.items() if key not in CLOCK} for row in csv.DictReader(file)]


def unlike(whole: Path, out: Path) -> list[str]:
    """Return the differences between two finished comparisons: in their results and in the metrics of every run."""
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
    """Kill and compare; the exit code is 1 if anything differs or a command fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600.0, help="no more kills after this time")
    args = parser.parse_args()
    rng, began = random.Random(args.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plan = root / "plan.yaml"
        plan.write_text(json.dumps(PLAN))
        code = start(plan, root / "whole").wait()
        took = time.monotonic() - began
        print(f"uninterrupted: exit code {code}, {took:.0f} s, {len(results(root / 'whole'))} runs", flush=True)
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
        f"{kills} kills, {at_work} of them with active runs, {number} comparisons, {len(wrong)} differences, "
        f"{time.monotonic() - began:.0f} s"
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
