"""Random play on SMAX: jaxmarl's own compiled loop against ISA's adapter, stepped from torch one call at a time.

    taskset -c 0 python benchmarks/smax_throughput.py [--map 3m] [--envs 512] [--device cpu] [--json FILE]

``bare`` is ``jax.vmap(env.step)`` of the environment that the adapter wraps, inside one compiled ``jax.lax.scan``. The
step's outputs (observations, rewards, dones) are part of the carry; otherwise XLA would not compute them. ``adapter``
is SMAXBatch: one compiled call per step, with arrays shared with torch. Both reset finished battles within the step.
Actions are drawn uniformly from the available ones, by JAX in the loop or by torch between steps, or are always
``stop``. A third variant, jaxmarl's compiled step called from Python, shows the cost of the calls alone. Repeats
alternate between the variants. On CPU, both sides use all cores of the process; limit them with taskset.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from isa_learners.runs.devices import resolve_device
from isa_learners.runs.run_folder import versions
from isa_wrappers.envs.smax.batch import SMAXBatch
from isa_wrappers.envs.smax.game import STOP, SMAXGame, smax_game

RATIOS = {
    "adapter / bare, random": ("adapter, random", "bare, random"),
    "adapter / bare, stop": ("adapter, stop", "bare, stop"),
    "adapter / bare step by step, stop": ("adapter, stop", "bare step by step, stop"),
}


def bare(game: SMAXGame, num_envs: int, device: Any) -> tuple[Callable[[Any, Any], Any], Any]:
    """Return jaxmarl's vectorised step and its initial carry: key, battles and the outputs of the last step."""
    jax, env = game.jax, game.env
    step = jax.vmap(env.step)

    def advance(carry: Any, choose: Any) -> Any:
        key, units, _ = carry
        key, key_act, key_step = jax.random.split(key, 3)
        actions = choose(key_act, units)
        obs, units, rewards, dones, _ = step(jax.random.split(key_step, num_envs), units, actions)
        return key, units, (obs, rewards, dones)

    key, key_reset = jax.random.split(jax.device_put(jax.random.PRNGKey(0), device))
    obs, units = jax.jit(jax.vmap(env.reset))(jax.random.split(key_reset, num_envs))
    rewards = {agent: jax.numpy.zeros(num_envs) for agent in env.agents}
    dones = {agent: jax.numpy.zeros(num_envs, dtype=bool) for agent in [*env.agents, "__all__"]}
    carry = key, units, (obs, rewards, dones)
    # With the strict types that the step returns; otherwise it compiles twice.
    return advance, jax.device_put(jax.tree.map(lambda x: jax.numpy.array(x, dtype=x.dtype), carry), device)


def available_at_random(game: SMAXGame) -> Callable[[Any, Any], dict[str, Any]]:
    """Return a function that draws every ally's action from its available ones, in JAX."""
    jax, jnp, agents = game.jax, game.jax.numpy, game.env.agents

    def choose(key: Any, units: Any) -> dict[str, Any]:
        masks = jax.vmap(game.env.get_avail_actions)(units)
        mask = jnp.stack([masks[agent] for agent in agents])
        actions = jnp.where(mask > 0, jax.random.uniform(key, mask.shape), -1.0).argmax(-1)
        return dict(zip(agents, actions, strict=True))

    return choose


def stop_always(game: SMAXGame, num_envs: int) -> Callable[[Any, Any], dict[str, Any]]:
    """Return a function that chooses ``stop`` for every ally, in JAX."""
    actions = game.jax.numpy.full(num_envs, STOP, dtype=game.jax.numpy.int32)
    return lambda _key, _units: dict.fromkeys(game.env.agents, actions)


def bare_scan(game: SMAXGame, num_envs: int, steps: int, device: Any, choose: Any) -> Callable[[], None]:
    """Return a function that plays ``steps`` steps in one compiled loop."""
    jax = game.jax
    advance, carry = bare(game, num_envs, device)
    loop = jax.jit(lambda now: jax.lax.scan(lambda c, _: (advance(c, choose), None), now, None, steps)[0])

    def play() -> None:
        nonlocal carry
        carry = jax.block_until_ready(loop(carry))

    return play


def bare_calls(game: SMAXGame, num_envs: int, steps: int, device: Any, choose: Any) -> Callable[[], None]:
    """Return a function that makes ``steps`` compiled calls and waits for each."""
    jax = game.jax
    advance, carry = bare(game, num_envs, device)
    call = jax.jit(lambda now: advance(now, choose))

    def play() -> None:
        nonlocal carry
        for _ in range(steps):
            carry = jax.block_until_ready(call(carry))

    return play


def adapter(game: SMAXGame, num_envs: int, steps: int, device: str, random: bool) -> Callable[[], None]:
    """Return a function that plays ``steps`` steps of SMAXBatch from torch."""
    env = SMAXBatch(game, num_envs, device)
    now = env.reset(seed=0)
    stop = torch.full((num_envs, game.num_allies), STOP, device=device)

    def play() -> None:
        nonlocal now
        for _ in range(steps):
            action = torch.where(now.available, torch.rand_like(now.available, dtype=torch.float32), -1.0).argmax(-1)
            now = env.step(action)

    def wait() -> None:
        for _ in range(steps):
            env.step(stop)

    return play if random else wait


def alternate(ways: dict[str, Callable[[], None]], device: str, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each variant, measured in turn after one warm-up round."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, play in ways.items():
            began = time.perf_counter()
            play()
            if device.startswith("cuda"):
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - began)
    return {name: found[1:] for name, found in seconds.items()}


def main() -> None:
    """Measure, print, and write JSON if requested."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--map", default="3m")
    parser.add_argument("--envs", type=int, default=512)
    parser.add_argument("--steps", type=int, default=200, help="steps per repeat")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--threads", type=int, default=1, help="torch threads; JAX uses all cores of the process")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    device = resolve_device(args.device, "smax/")
    game = smax_game(args.map)
    place = game.jax.devices("cuda" if device.startswith("cuda") else "cpu")[0]
    size = (game, args.envs, args.steps)
    draw, stop = available_at_random(game), stop_always(game, args.envs)
    with game.jax.default_device(place):
        ways = {
            "bare, random": bare_scan(*size, place, draw),
            "adapter, random": adapter(*size, device, random=True),
            "bare, stop": bare_scan(*size, place, stop),
            "adapter, stop": adapter(*size, device, random=False),
            "bare step by step, stop": bare_calls(*size, place, stop),
        }
        seconds = alternate(ways, device, args.repeats)
    steps = args.envs * args.steps
    rates = {name: steps / statistics.median(found) for name, found in seconds.items()}
    # One ratio per round: other load on the machine affects both halves of a pair alike.
    ratios = {
        name: [b / a for a, b in zip(seconds[ours], seconds[theirs], strict=True)]
        for name, (ours, theirs) in RATIOS.items()
    }
    result: dict[str, Any] = {
        "map": args.map,
        "envs": args.envs,
        "steps": args.steps,
        "device": device,
        "device_names": {
            "torch": torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu",
            "jax": place.device_kind,
        },
        "cores": len(os.sched_getaffinity(0)),
        "torch_threads": args.threads,
        "versions": versions() | {package: version(package) for package in ("jax", "jaxlib", "jaxmarl")},
        "steps_per_second": rates,
        "ratios": {name: statistics.median(found) for name, found in ratios.items()},
        "seconds": seconds,
    }
    print(f"smax/{args.map}, {args.envs} environments, {device} ({place.device_kind}), {result['cores']} core(s)")
    for name, rate in rates.items():
        low, high = steps / max(seconds[name]), steps / min(seconds[name])
        print(f"{name:>34} {rate:>12,.0f} env steps/s   ({low:,.0f} to {high:,.0f})")
    for name, found in ratios.items():
        print(f"{name:>34} {statistics.median(found):>12.2f}              ({min(found):.2f} to {max(found):.2f})")
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
