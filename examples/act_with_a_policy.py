"""Play a trained run's policy in a plain PettingZoo loop.

python examples/act_with_a_policy.py RUN
"""

from __future__ import annotations

import sys

from isa_learners import load_policy
from isa_wrappers.envs import make_parallel


def main(run: str, task: str = "grid/shooting", episodes: str = "5") -> None:
    """Play episodes and print for each whether it was won, and after how many steps it ended."""
    env, policy = make_parallel(task), load_policy(run)
    for seed in range(int(episodes)):
        observations, infos = env.reset(seed=seed)
        policy.reset(seed)
        won, steps = False, 0
        while env.agents:
            actions = policy.act({agent: observations[agent] for agent in env.agents}, infos)
            observations, _, _, _, infos = env.step(actions)
            won, steps = won or any(info["success"] for info in infos.values()), steps + 1
        print(f"episode {seed}: {'won' if won else 'lost'} in {steps} steps")


if __name__ == "__main__":
    main(*sys.argv[1:])
