"""Check that two checkouts compute the same: train both on the same tasks and seeds and compare metrics.csv by column.

    python benchmarks/same_numbers.py BEFORE AFTER --out /tmp/same

Existing runs are not repeated, so you can keep those of one side. Clock columns are left out; columns that only one
side has are listed.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CLOCK = {"wall_time_s", "steps_per_second"}
TASKS = ("grid/navigation", "grid/shooting", "grid/unlock", "smax/3m")


def run(checkout: Path, folder: Path, task: str, preset: str, seed: int, steps: int) -> Path:
    """Train in ``folder`` with the code of ``checkout``; return the run's metrics."""
    metrics = folder / "metrics.csv"
    if (folder / "summary.json").exists():
        return metrics
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from isa_cli.main import main; main()"
    arguments = ["train", task, "--preset", preset, "--seed", str(seed), "--steps", str(steps), "--device", "cpu"]
    with tempfile.TemporaryDirectory() as names:
        (Path(names) / "isa_cli").symlink_to(checkout / "cli")  # the name of the installed package
        path = os.pathsep.join([str(checkout), names])
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
        command = [sys.executable, "-c", code, str(checkout), *arguments, "--out", str(folder)]
        subprocess.run(command, check=True, env=environment, cwd=names, stdout=subprocess.DEVNULL)
    return metrics


def differences(before: Path, after: Path) -> list[str]:
    """Return the differences between two metrics files, one line per column."""
    one, other = (list(csv.DictReader(path.open(newline=""))) for path in (before, after))
    if len(one) != len(other):
        return [f"{len(one)} rows before, {len(other)} after"]
    columns = dict.fromkeys([*one[0], *other[0]]) if one else {}
    found = []
    for column in columns:
        if column in CLOCK:
            continue
        if column not in one[0] or column not in other[0]:
            found.append(f"{column}: only {'after' if column in other[0] else 'before'}")
            continue
        rows = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a[column] != b[column]]
        if rows:
            found.append(
                f"{column}: {len(rows)} of {len(one)} rows, first {one[rows[0]][column]} {other[rows[0]][column]}"
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs="+", type=Path, help="BEFORE AFTER; a single one is only run")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=60_000)
    parser.add_argument("--tasks", nargs="+", default=TASKS)
    parser.add_argument("--presets", nargs="+", default=["fast", "paper"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    options = parser.parse_args()
    differ = 0
    for task, preset, seed in itertools.product(options.tasks, options.presets, options.seeds):
        name = f"{task.replace('/', '-')}-{preset}-{seed}"
        files = []
        for side, checkout in zip(("before", "after"), options.checkouts, strict=False):
            folder = options.out / side / name
            files.append(run(checkout.resolve(), folder.resolve(), task, preset, seed, options.steps))
        if len(files) == 2:
            found = differences(*files)
            differ += bool(found)
            print(f"{name}: {'; '.join(found) if found else 'equal'}", flush=True)
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
