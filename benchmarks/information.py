"""Time and memory of the mutual-information stage, for a problem of Navigation's size and a large one.

python benchmarks/information.py
"""

from __future__ import annotations

import resource
import statistics
import time

import numpy as np

from isa_wrappers import normalized_mutual_information

SIZES = {
    "navigation (7 agents, 5 actions, 28 dimensions, 2,000 transitions)": (7, 2_000, 28, 5, 9),
    "large (27 agents, 36 actions, 1,200 dimensions, 10,000 transitions)": (27, 10_000, 1_200, 36, 1),
}


def main() -> None:
    """Print, for each size, the seconds (median if repeated) and the process's peak memory so far."""
    rng = np.random.default_rng(0)
    for name, (agents, transitions, size, actions, repeats) in SIZES.items():
        if size < 100:
            changes = rng.integers(-1, 2, (agents, transitions, size)).astype(np.float32)
        else:
            changes = rng.standard_normal((agents, transitions, size), dtype=np.float32) * 0.3
        taken = rng.integers(0, actions, (agents, transitions))
        blocks = np.broadcast_to(np.arange(transitions) // 60, taken.shape)
        valid = np.ones(taken.shape, dtype=bool)
        found = []
        for _ in range(repeats):
            began = time.perf_counter()
            normalized_mutual_information(changes, taken, blocks, valid, actions, 0.01)
            found.append(time.perf_counter() - began)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{name}: {statistics.median(found):.3f} s (first {found[0]:.3f} s), peak memory {peak:.2f} GB")


if __name__ == "__main__":
    main()
