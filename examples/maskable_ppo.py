"""Algorithm 1 with sb3-contrib's MaskablePPO, which applies action masks: pip install sb3-contrib supersuit.

python examples/maskable_ppo.py --steps 150000 --seed 0
"""

from functools import partial
from typing import Any

import numpy as np
import typer
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.evaluation import evaluate_policy
from stable_baselines3_ppo import SETTINGS, Team, algorithm_1


class MaskedTeam(Team):
    """Passes the action masks in the observations to MaskablePPO and raises an error for unavailable actions."""

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        observations = super().reset(seed, options)
        self.masks = observations["action_mask"].astype(bool)
        return observations

    def has_attr(self, attr_name: str) -> bool:
        return attr_name == "action_masks"

    def env_method(self, method_name: str, *args: Any, **kwargs: Any) -> list[Any]:
        return list(self.masks)

    def step_async(self, actions: np.ndarray) -> None:
        if not self.masks[np.arange(self.num_envs), actions].all():
            raise ValueError(f"an unavailable action among {actions}")
        super().step_async(actions)

    def step_wait(self) -> tuple:
        observations, *rest = super().step_wait()
        self.masks = observations["action_mask"].astype(bool)
        return observations, *rest


def main(steps: int = 150_000, seed: int = 0, episodes: int = 32) -> float:
    """Run both phases; return the greedy success rate, which is the mean return, since a won episode pays 1."""
    ppo = partial(MaskablePPO, "MultiInputPolicy", device="cpu", **SETTINGS)
    policy, judge = algorithm_1(ppo, MaskedTeam, steps, seed)
    judge.freeze()
    rate, _ = evaluate_policy(policy, MaskedTeam([judge]), episodes * judge.max_num_agents, warn=False)
    print(f"{rate:.0%} of {episodes} greedy episodes won after {steps} environment steps")
    return rate


if __name__ == "__main__":
    typer.run(main)
