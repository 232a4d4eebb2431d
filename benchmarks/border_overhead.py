"""What the border's checks cost of a step of simple_spread (3 agents): paired, in one run.

    python benchmarks/border_overhead.py

One environment takes its steps in turn through the border as it is and through one that looks at nothing: who lives,
and which masks there are, both find out. The least disturbed quarter of each counts.
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
    """Takes everything at its word."""

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
    """Print microseconds of a step without and with the checks, and the share."""
    env = make_parallel(TASK)
    borders = (Unchecked(env), Border(env))
    actions = dict.fromkeys(env.possible_agents, 1)
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(STEPS):
        if not number or not env.agents:
            for border in borders:
                border.reset(seed=number)
        # In pairs, and who goes first changes.
        which = (number % 2) ^ (number // 2 % 2)
        began = time.thread_time()
        borders[which].step(actions)
        times[which].append(time.thread_time() - began)
    without, checked = (sum(sorted(part)[: len(part) // 4]) / (len(part) // 4) * 1e6 for part in times)
    print(f"a step of {TASK}: {without:.1f} us, checked {checked:.1f} us: +{(checked - without) / without:.2%}")


if __name__ == "__main__":
    main()
