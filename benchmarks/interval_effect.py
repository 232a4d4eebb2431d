"""Time and memory of the interval effect, without collection, for Navigation's transitions and a large problem.

python benchmarks/interval_effect.py [--device cuda]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import numpy as np
import torch

from isa_wrappers import ESTIMATORS, ScopeConfig, Transitions, make_batch
from isa_wrappers.scope.transitions import collect_all_at_once

AGENTS, ACTIONS, SIZE, STEPS, STREAMS = 27, 36, 1_200, 100, 100


def large(rng: np.random.Generator) -> Transitions:
    """Return 10,000 transitions of 27 agents with 36 actions and 1,200 noisy dimensions; each agent moves four."""
    taken = rng.integers(0, ACTIONS, (STEPS, STREAMS, AGENTS))
    changes = rng.standard_normal((STEPS, STREAMS, SIZE), dtype=np.float32) * 0.3
    for agent in range(AGENTS):
        for k in range(4):
            changes[..., 4 * agent + k] += (taken[..., agent] % 4 == k) * np.float32(1.0)
    states = np.cumsum(changes, axis=0) - changes
    return Transitions(
        free=np.ones((STREAMS, AGENTS), dtype=bool),
        actions=taken,
        available=np.ones((*taken.shape, ACTIONS), dtype=bool),
        states=states,
        next_states=states + changes,
        episode=np.zeros((STEPS, STREAMS), dtype=np.int64),
        held=np.full_like(taken, -1),
        valid=np.ones(taken.shape, dtype=bool),
    )


def peak_memory(device: str | None) -> float:
    """Return the peak memory so far in GB: on the device for CUDA, otherwise of this process."""
    if device and device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Print, for each problem, the seconds, the number of cells found, and the peak memory so far."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="torch device for the heavy arithmetic; default: NumPy")
    device = parser.parse_args().device
    estimator = ESTIMATORS["interval_effect"].on(device)
    config = estimator.settled(ScopeConfig())
    navigation = collect_all_at_once(make_batch("grid/navigation", 100), config, 0)
    many = [large(np.random.default_rng(0))]
    problems = {"navigation": (navigation, 5, 5), "large": (many, ACTIONS, 3 if device else 1)}
    for name, (transitions, actions, repeats) in problems.items():
        found = []
        for _ in range(repeats):
            began, cpu = time.perf_counter(), time.process_time()
            figures = estimator.estimate(transitions, config, actions)
            found.append((time.perf_counter() - began, time.process_time() - cpu))
        seconds, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        cells, peak = int((figures.max(axis=1) > config.delta).sum()), peak_memory(device)
        print(f"{name}: {seconds:.2f} s, {cpu:.2f} CPU s, {cells} cells of D_i, peak memory {peak:.2f} GB")


if __name__ == "__main__":
    main()
