"""Cost of the border's checks in a step of simple_spread (3 agents), measured in pairs within one run.

    python benchmarks/border_overhead.py

One environment is stepped alternately through the normal border and through one without checks; both determine which
agents are alive and which masks exist. The result is the mean over the fastest quarter of the steps of each.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from isa_wrappers.border.border import Border
from isa_wrappers.envs import make_parallel

TASK = "mpe/simple_spread_v3"
STEPS = 20_000


class Unchecked(Border):
    """A border that checks nothing."""

    def step(self, actions: Mapping[str, Any]) -> Any:
        said = self.env.step(actions)
        observations, _, terminations, truncations, infos = said
        self.steps += 1
        self._living.after(self.env.agents, terminations, truncations)
        masks = {}
        for agent in self._living.now:
            obs, info = observations[agent], infos.get(agent)
            mask = obs.get("action_mask") if isinstance(obs, dict) else None
            if info and mask is None:
                mask = info.get("action_mask")
            if mask is not None:
                masks[agent] = mask
        self.masks = masks
        return said


def main() -> None:
    """Print the microseconds per step without and with the checks, and the relative difference."""
    env = make_parallel(TASK)
    borders = (Unchecked(env), Border(env))
    actions = dict.fromkeys(env.possible_agents, 1)
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(STEPS):
        if not number or not env.agents:
            for border in borders:
                border.reset(seed=number)
        # Steps come in pairs, and the order within a pair alternates.
        which = (number % 2) ^ (number // 2 % 2)
        began = time.thread_time()
        borders[which].step(actions)
        times[which].append(time.thread_time() - began)
    without, checked = (sum(sorted(part)[: len(part) // 4]) / (len(part) // 4) * 1e6 for part in times)
    print(f"a step of {TASK}: {without:.1f} us, checked {checked:.1f} us: +{(checked - without) / without:.2%}")


if __name__ == "__main__":
    main()
