"""Training time of two checkouts, measured in turn: seconds of ``isa train`` from its first to its last step.

    python benchmarks/training_speed.py BEFORE AFTER --rounds 5

Each round trains both, in alternating order. The result is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import same_numbers


def seconds(checkout: Path, task: str, preset: str, steps: int, folder: Path) -> float:
    """Train once; return the run's reported seconds (including scope and evaluations, excluding imports)."""
    same_numbers.run(checkout, folder, task, preset, 0, steps)
    return float(json.loads((folder / "summary.json").read_text())["wall_time_s"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs=2, type=Path)
    parser.add_argument("--tasks", nargs="+", default=["grid/navigation", "grid/shooting"])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    before, after = (checkout.resolve() for checkout in options.checkouts)
    for task in options.tasks:
        ratios, times = [], []
        with tempfile.TemporaryDirectory() as folder:
            for index in range(options.rounds):
                order = [("before", before), ("after", after)][:: 1 if index % 2 == 0 else -1]
                took = {
                    side: seconds(path, task, options.preset, options.steps, Path(folder) / f"{side}{index}")
                    for side, path in order
                }
                times.append(took)
                ratios.append(took["after"] / took["before"])
        first, last = (statistics.median(t[side] for t in times) for side in ("before", "after"))
        spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
        print(
            f"{task}: {first:.2f} s before, {last:.2f} s after; after/before {statistics.median(ratios):.3f} ({spread})"
        )


if __name__ == "__main__":
    main()
