"""Measure by intervention what an agent moves: play a moment twice, with another action of the agent the second time.

    .venv-third-party/bin/python -m benchmarks.third_party_interventions multiwalker --moments 300

Two copies of an environment start an episode with the same seed and take the same random actions up to a random step,
in which one agent's action is redrawn for the second copy. The dimensions that then differ are those that the agent
moves, independently of how one reads the environment's source. The environment must be reproducible from its seed;
otherwise the script stops with a message.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from benchmarks.third_party_envs import ENVIRONMENTS
from isa_wrappers.arrays import Rng
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.batch.protocol import BatchStep, action_code_of
from isa_wrappers.border.spaces import as_parallel
from isa_wrappers.border.team_actions import draw_choices

LONGEST = 40
"""Maximum number of steps before the intervention."""
Ends = tuple[BatchStep, BatchStep]


def played_twice(one: ParallelEnvBatch, other: ParallelEnvBatch, agent: int, rng: Rng) -> Ends | None:
    """Return the two outcomes of one moment, or ``None`` if the agent cannot act then or the episode ends."""
    seed, steps, code = int(rng.uniform() * 2**31), int(rng.uniform() * LONGEST), action_code_of(one)
    now, twin = one.reset(seed), other.reset(seed)
    for _ in range(steps):
        actions = _random(code, rng, now)
        now, twin = one.step(actions), other.step(actions)
        if now.done.any():
            return None
    if not np.array_equal(now.state, twin.state):
        raise SystemExit("two copies with the same seed and actions differ: the environment is not reproducible")
    if not now.alive[0, agent]:
        return None
    actions, changed = _random(code, rng, now), _random(code, rng, now)
    others = np.arange(actions.shape[1]) != agent
    changed[:, others] = actions[:, others]
    now, twin = one.step(actions), other.step(changed)
    return None if (now.done | twin.done).any() else (now, twin)


def _random(code: Any, rng: Rng, step: BatchStep) -> Any:
    return draw_choices(rng, step.available) if code is None else code.draw(rng, step.available)


def main() -> None:
    """Print, for each agent, the dimensions that it moved and the share of moments in which it did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=list(ENVIRONMENTS), metavar="NAME")
    parser.add_argument("--moments", type=int, default=200)
    asked = parser.parse_args()
    for name in asked.names:
        entry = ENVIRONMENTS[name]
        fallback: Any = "observations" if "observations" in entry.options else None
        one, other = (ParallelEnvBatch([as_parallel(entry.make())], state_fallback=fallback) for _ in range(2))
        for i, agent in enumerate(one.agents):
            rng, moved, seen = Rng(0, None, f"{name} {agent}"), np.zeros(one.state_size), 0
            while seen < asked.moments:
                if (ends := played_twice(one, other, i, rng)) is not None:
                    moved += (ends[0].state != ends[1].state)[0]
                    seen += 1
            names = one.state_names or [f"[{k}]" for k in range(one.state_size)]
            shares = ", ".join(f"{names[k]} {moved[k] / seen:.2f}" for k in np.flatnonzero(moved))
            print(f"{name}: {agent} moves {shares or 'nothing'}", flush=True)
        one.close()
        other.close()


if __name__ == "__main__":
    main()
