"""Table of each stage's time and its floor, the shortest time the machine could take; written for CUDA.

    python benchmarks/floors.py [--device auto] [--small] [--json FILE]

A stage's floor is the larger of two times: its bytes divided by the measured copy rate, and its operations divided by
the measured rate of matrix products. The bytes are those that must move if all intermediate results stayed in
registers: what a step reads and writes, a 32-byte sector per random table access, a sort's keys once in and once out.
``--small`` uses sizes that a CPU handles in a minute; it tests the script, not the speed of a GPU.
"""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from throughput import raw_speed, stages, timed

from isa_learners.ppo import PPOConfig
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.config_io import make_config
from isa_learners.runs.devices import resolve_device
from isa_learners.runs.run_folder import versions
from isa_learners.runs.scopes import scope_for
from isa_wrappers import BatchEnv, normalized_mutual_information
from isa_wrappers.envs import make_batch
from isa_wrappers.envs.smax.install import has_jaxmarl
from isa_wrappers.rewards.counts import VisitCounter

TASK = "grid/navigation"
SECTOR = 32


@dataclass(frozen=True)
class Sizes:
    """Sizes of all measured problems."""

    raw_envs: int = 65_536
    train_envs: int = 16_384
    keys: int = 1 << 22
    agents: int = 27
    actions: int = 36
    dims: int = 1_200
    transitions: int = 10_000
    smax_envs: int = 4_096
    copied: int = 1 << 28
    matrix: int = 8_192


SMALL = Sizes(1_024, 64, 1 << 16, 5, 8, 40, 2_000, 16, 1 << 24, 1_024)


@dataclass(frozen=True)
class Row:
    """One stage: its seconds, the amount of work, and the bytes and operations of its floor."""

    stage: str
    seconds: float
    amount: float
    unit: str
    moved: float
    operations: float = 0.0


def nbytes(*tensors: torch.Tensor) -> int:
    """Return the total bytes of tensors."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def ceilings(device: str, sizes: Sizes) -> tuple[float, float]:
    """Measure bytes per second (read and written) and operations per second of float32 matrix products."""
    source = torch.zeros(sizes.copied, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    a = torch.rand(sizes.matrix, sizes.matrix, device=device)
    copied = 2 * sizes.copied / timed(lambda: target.copy_(source), device)
    return copied, 2 * sizes.matrix**3 / timed(lambda: a @ a, device)


def environment(device: str, sizes: Sizes) -> Row:
    """Measure random play in the raw grid environment."""
    env = make_batch(TASK, sizes.raw_envs, device)
    step = env.reset(seed=0)
    seen = [value for field in fields(step) if (value := getattr(step, field.name)) is not None]
    kept = [torch.as_tensor(value) for value in env.state_dict().values()]
    actions = 8 * sizes.raw_envs * len(env.agents)
    rate = raw_speed(TASK, device, sizes.raw_envs, steps=20)
    moved = nbytes(*seen) + 2 * nbytes(*kept) + actions
    return Row("environment", sizes.raw_envs / rate, sizes.raw_envs, "steps", moved)


def counts(device: str, sizes: Sizes) -> Row:
    """Measure insertion and look-up of keys with one dimension."""
    counter = VisitCounter([[0]], device=device)
    state = torch.randint(0, 1 << 20, (sizes.keys, 1), device=device).float()
    seconds = timed(lambda: counter.visit(state), device)
    return Row("counts", seconds, sizes.keys, "keys", nbytes(state) + sizes.keys * (3 * SECTOR + 4))


def scope(device: str, sizes: Sizes) -> Row:
    """Measure the mutual information of a large problem."""
    shape = sizes.agents, sizes.transitions
    changes = torch.randn(*shape, sizes.dims, device=device).mul_(0.3)  # in place, to avoid a second copy at the peak
    actions = torch.randint(sizes.actions, shape, device=device)
    blocks = (torch.arange(sizes.transitions, device=device) // 60).expand(shape)
    valid = torch.ones(shape, dtype=torch.bool, device=device)
    seconds = timed(
        lambda: normalized_mutual_information(changes, actions, blocks, valid, sizes.actions, 0.01), device, 3
    )
    return Row("scope", seconds, 1, "problem", nbytes(changes) + 2 * 4 * changes.numel())


def net_operations(config: PPOConfig, inputs: int, outputs: int) -> float:
    """Return the operations of one network's forward pass on one row."""
    return 2.0 * (inputs * config.hidden + 6 * config.hidden**2 + config.hidden * outputs)


def iteration(config: PPOConfig, env: BatchEnv) -> dict[str, tuple[float, float]]:
    """Return bytes and operations of one training iteration, by stage; each agent's state has four numbers."""
    actions = max(env.num_actions)
    inputs, agents = env.obs_size + actions + len(env.agents), len(env.agents)
    steps = config.num_envs * config.rollout_steps
    rows = steps * agents
    actor, critic = (net_operations(config, inputs, outputs) for outputs in (actions, 1))
    passes = 1 + 3 * config.epochs  # a backward pass counts as two forward passes
    return {
        "environment": (rows * 4 * 3 * (env.obs_size + 4), 0.0),
        "isa_arithmetic": (steps * (agents + 1) * 3 * SECTOR, 0.0),
        "policy": (rows * 4 * (inputs + 2 * config.hidden), rows * actor),
        "update": (2 * config.epochs * rows * 4 * inputs, rows * (3 * config.epochs * actor + passes * critic)),
    }


def total(work: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """Return the bytes and operations of all stages."""
    return sum(moved for moved, _ in work.values()), sum(operations for _, operations in work.values())


def training(device: str, sizes: Sizes) -> Iterator[Row]:
    """Measure one iteration of the exploration phase with the default network, stage by stage."""
    config = make_config(TASK, "fast", {"device": device, "ppo": {"num_envs": sizes.train_envs}})
    found, work = stages(config), iteration(config.ppo, make_batch(TASK, 1, device))
    steps = config.ppo.num_envs * config.ppo.rollout_steps
    for name, (moved, operations) in work.items():
        yield Row("training: " + name, found[f"{name}_ms"] / 1e3, steps, "steps", moved, operations)
    yield Row("training: all", steps / found["env_steps_per_second"], steps, "steps", *total(work))


def smax(device: str, sizes: Sizes) -> Iterator[Row]:
    """Measure one training iteration on smax/3m, if jaxmarl is installed."""
    if not has_jaxmarl():
        return
    given = {"device": device, "env_kwargs": {"reward": "super_sparse"}, "ppo": {"num_envs": sizes.smax_envs}}
    config = make_config("smax/3m", "fast", given)
    algorithm = Algorithm(config, scope_for(config)[0])
    steps = config.ppo.num_envs * config.ppo.rollout_steps
    work = iteration(config.ppo, algorithm.phase.collector.env)
    yield Row("smax/3m: training", timed(algorithm.iterate, device, 3), steps, "steps", *total(work))


def peak_memory(device: str) -> int:
    """Return the peak bytes: on CUDA since the last call, otherwise of this process so far."""
    if not device.startswith("cuda"):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    peak = torch.cuda.max_memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    return peak


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write JSON if requested."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--small", action="store_true", help="use sizes suited to a CPU")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(arguments)
    device, sizes = resolve_device(args.device), SMALL if args.small else Sizes()
    cuda = device.startswith("cuda")
    torch.set_num_threads(1)  # as in a run
    name = torch.cuda.get_device_name(device) if cuda else f"cpu, {torch.get_num_threads()} threads"
    copy_rate, product_rate = ceilings(device, sizes)
    print(f"{name}; copies {copy_rate / 1e9:,.0f} GB/s, float32 matrix products {product_rate / 1e12:,.2f} TFLOP/s")
    print(f"{'stage':>26} {'ms':>10} {'floor ms':>10} {'floor/ms':>9} {'a second':>16}")
    result: dict[str, Any] = {"device": name, "versions": versions() | {"cuda": torch.version.cuda}}
    result |= {"copy_bytes_per_second": copy_rate, "float32_operations_per_second": product_rate}
    result |= {"sizes": asdict(sizes), "stages": {}}
    one_each = (make(device, sizes) for make in (environment, counts, scope))
    for row in chain(one_each, training(device, sizes), smax(device, sizes)):
        floor = max(row.moved / copy_rate, row.operations / product_rate)
        rate = row.amount / row.seconds
        told = {"floor_seconds": floor, "per_second": rate, "peak_memory_bytes": peak_memory(device)}
        result["stages"][row.stage] = asdict(row) | told
        share = f"{floor / row.seconds:.2f}"
        print(f"{row.stage:>26} {row.seconds * 1e3:>10.3f} {floor * 1e3:>10.3f} {share:>9} {rate:>12,.0f} {row.unit}")
    result["peak_memory_bytes"] = peak = max(stage["peak_memory_bytes"] for stage in result["stages"].values())
    print(f"peak memory {peak / 2**30:.2f} GB")
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
