"""Cost of a scope, visit counts and a training iteration as agents, environments and dimensions increase.

    python benchmarks/growth.py

Measures the CPU time of all threads and the peak memory beyond that of the imports on Navigation, each in its own
process. Environments with more dimensions are Navigation with noise appended to states and observations. Slopes are
those of the logarithms between a row and the row above; 1 means linear growth.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from isa_learners.ppo import PPOLearner
from isa_learners.rollout import Collector, Sizes
from isa_learners.runs.config_io import make_config
from isa_wrappers import ScopeConfig, VisitCounter, estimate_scope
from isa_wrappers.batch import BatchEnv, BatchStep, BatchWrapper
from isa_wrappers.envs import make_batch
from isa_wrappers.envs.grid.rules import grid_task
from isa_wrappers.envs.grid.truth import true_scope_of
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.batch import InfluenceCountBonus

TASK = "grid/navigation"
STATES = 10_000
"""Number of visits for which counting is timed; each call counts one visit per environment."""
LONG, VERY_LONG = 0.7, 8.0
"""Calls longer than these seconds are made only twice, and only once."""
Figures = tuple[list[float], float]
"""The seconds that a measurement returns, and peak memory in MB."""


class Padded(BatchWrapper):
    """Appends noise to states and observations."""

    def __init__(self, env: BatchEnv, extra: int) -> None:
        super().__init__(env)
        self.extra = extra
        self.obs_size, self.state_size, self.state_names = env.obs_size + extra, env.state_size + extra, ()

    def reset(self, seed: int | None = None) -> BatchStep:
        return self._padded(self.env.reset(seed))

    def step(self, actions: Any) -> BatchStep:
        return self._padded(self.env.step(actions))

    def _padded(self, step: BatchStep) -> BatchStep:
        noise = torch.randn(self.num_envs, self.extra)
        seen = noise[:, None].expand(-1, len(self.agents), -1)
        obs, final_obs = (torch.cat([torch.as_tensor(x), seen], dim=-1) for x in (step.obs, step.final_obs))
        state, final_state = (torch.cat([torch.as_tensor(x), noise], dim=-1) for x in (step.state, step.final_state))
        return replace(step, obs=obs, final_obs=final_obs, state=state, final_state=final_state)


def navigation(agents: int, num_envs: int, extra: int) -> BatchEnv:
    """Return the environments of a row."""
    env = make_batch(TASK, num_envs, "cpu", num_agents=agents)
    return Padded(env, extra) if extra else env


def scope_of(agents: int, extra: int) -> InfluenceScope:
    """Return the true scope, including the noise dimensions."""
    moved = true_scope_of(grid_task("navigation", num_agents=agents))
    return InfluenceScope.from_dimensions(moved.action_dims, moved.state_size + extra)


def training(agents: int, num_envs: int, extra: int) -> list[float]:
    """Time an exploration iteration (rollout and update) with the preset's settings, after a warm-up iteration."""
    config = replace(make_config(TASK, "fast", {}).settings_of("ppo"), num_envs=num_envs)
    env = InfluenceCountBonus(navigation(agents, num_envs, extra), scope_of(agents, extra))
    learner = PPOLearner(Sizes.of(env), config, "cpu", 0)
    collector = Collector(env, learner, torch.Generator().manual_seed(0), 0)
    return [median(lambda: learner.learn(collector.collect(config.rollout_steps)))]


def estimating(agents: int, num_envs: int, extra: int) -> list[float]:
    """Time a scope estimate with the default settings, including its 10,000 steps."""
    env = navigation(agents, min(num_envs, 100), extra)
    began = time.process_time()
    estimate_scope(env, ScopeConfig(transitions=10_000))
    return [time.process_time() - began]


def counting(agents: int, num_envs: int, extra: int) -> list[float]:
    """Time 10,000 visits and 10,000 look-ups of one segment per agent and one segment of all dimensions."""
    scope = scope_of(agents, extra)
    counter = VisitCounter([*scope.agent_dims, list(range(scope.state_size))], device="cpu")
    states = torch.randint(0, 20, (num_envs, scope.state_size)).float()
    share = STATES / num_envs
    return [share * median(lambda: counter.visit(states), 5), share * median(lambda: counter.count(states), 5)]


def median(call: Callable[[], Any], repeats: int = 3) -> float:
    """Return the median CPU seconds of a call after one warm-up call; long calls are repeated less often."""
    found: list[float] = []
    while len(found) < repeats + 1:
        began = time.process_time()
        call()
        found.append(time.process_time() - began)
        if found[-1] > LONG and len(found) > (found[-1] < VERY_LONG):
            return found[-1]
    return sorted(found[1:])[repeats // 2]


def apart(measure: Callable[..., list[float]], *row: int) -> Figures:
    """Measure in a child process, so that the memory is that of the measurement only."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = measure(*row)
        peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        os.write(writing, " ".join(map(repr, [*found, peak])).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        *seconds, memory = map(float, told.read().split())
    os.waitpid(child, 0)
    return seconds, memory


def slope(x: float, y: float, before_x: float, before_y: float) -> str:
    """Return the slope between two rows on logarithmic axes."""
    return f"{math.log(y / before_y) / math.log(x / before_x):.2f}"


def show(axis: str, rows: Sequence[tuple[int, int, int]], which: int, limits: dict[str, int]) -> None:
    """Print a table over one axis; measurements beyond their limit are left out."""
    if not rows:
        return
    measures = {"training": training, "counts": counting, "scope": estimating}
    print(f"\n| {axis} | inputs | training: s, MB | visits, look-ups: s | scope: s, MB |\n|---|---|---|---|---|")
    last: dict[str, tuple[float, float]] = {}
    for row in rows:
        value = float(row[which] + (4 * row[0] if which == 2 else 0))
        cells = []
        for name, measure in measures.items():
            if row[which] > limits.get(name, row[which]):
                cells.append("")
                continue
            seconds, memory = apart(measure, *row)
            text = ", ".join(f"{x:.2g}" for x in seconds) + ("" if name == "counts" else f", {memory:.0f}")
            if name in last:
                text += f" (slope {slope(value, seconds[0], *last[name])})"
            last[name] = value, seconds[0]
            cells.append(text)
        inputs = 3 * row[0] + 7 + row[2]
        print(f"| {value:,.0f} | {inputs:,} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", nargs="*", type=int, default=[3, 7, 28, 56, 100])
    parser.add_argument("--envs", nargs="*", type=int, default=[8, 64, 512, 4_096])
    parser.add_argument("--noise", nargs="*", type=int, default=[0, 84, 420, 1_092], help="added to 28")
    options = parser.parse_args()
    torch.set_num_threads(1)
    show("agents, 64 environments", [(agents, 64, 0) for agents in options.agents], 0, {})
    show("environments, 7 agents", [(7, envs, 0) for envs in options.envs], 1, {"scope": 0})
    show("dimensions, 7 agents, 64 environments", [(7, 64, extra) for extra in options.noise], 2, {})


if __name__ == "__main__":
    main()
