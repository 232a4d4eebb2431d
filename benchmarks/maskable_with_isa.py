"""sb3-contrib's MaskablePPO on grid/shooting with and without ISA's wrappers: several seeds, equal environment steps.

    python benchmarks/maskable_with_isa.py --out runs/maskable-ppo

Both sides use the learner, the copies and the settings of examples/maskable_ppo.py, except for a constant learning
rate. The side without ISA learns only from the task's own reward. The steps of ISA's exploration are included; those
of its scope estimate come on top. Success rates are those of 32 greedy episodes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from stable_baselines3.common.utils import set_random_seed

from isa_wrappers import GoalBuffer, VisitCounter, estimate_scope
from isa_wrappers.envs import make_parallel
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

sys.path.append(str(Path(__file__).parents[1] / "examples"))

COPIES, SLICE, EPISODES = 8, 15_000, 32


def learner(copies: list[Any], seed: int, **settings: Any) -> Any:
    """Return the example's learner for copies of an environment."""
    from maskable_ppo import MaskedTeam, MaskablePPO  # isort: skip

    settings |= {"learning_rate": 1e-3, "n_steps": 120, "batch_size": 720, "ent_coef": 0.01, "device": "cpu"}
    set_random_seed(seed)  # SuperSuit's vector environments do not take a seed
    return MaskablePPO("MultiInputPolicy", MaskedTeam(copies), **settings)


def success_rate(policy: Any, env: Any) -> float:
    """Play greedy episodes and return the share of wins."""
    won = 0
    for seed in range(EPISODES):
        observations, infos = env.reset(seed=seed)
        while env.agents:
            actions = {
                agent: int(policy.predict(obs, deterministic=True, action_masks=obs["action_mask"])[0])
                for agent, obs in observations.items()
            }
            observations, _, _, _, infos = env.step(actions)
        won += infos["agent_0"]["success"]
    return won / EPISODES


def train(isa: bool, seed: int, steps: int) -> dict[str, Any]:
    """Train one seed; return its curve."""
    began = time.perf_counter()
    raw = [make_parallel("grid/shooting") for _ in range(2 * COPIES)]
    judge = make_parallel("grid/shooting")
    per_step = len(judge.possible_agents)  # Stable-Baselines3 counts every agent's steps
    used = 0
    if isa:
        scope = estimate_scope(raw[0], seed=seed)
        goals, counter = GoalBuffer(scope.state_size), VisitCounter([scope.common_dims, *scope.special_dims])
        explore = [
            InfluenceCountBonus(GoalRecording(env, scope, goals), scope, counter=counter) for env in raw[:COPIES]
        ]
        explorer = learner(explore, seed, n_epochs=2, gamma=0.99)
        explorer.learn(steps * per_step, callback=lambda *_: len(goals) == 0)
        used = explorer.num_timesteps // per_step
        raw = [GoalSegmentReward(GoalSampling(env, scope, goals, seed=i), scope) for i, env in enumerate(raw[COPIES:])]
        if not len(goals):
            return {
                "env_steps": [used],
                "success_rate": [0.0],
                "explored": used,
                "seconds": time.perf_counter() - began,
            }
        judge = GoalSampling(judge, scope, goals)
        judge.freeze()
    policy = learner(raw[:COPIES], seed, n_epochs=8, gamma=0.95)
    curve: dict[str, Any] = {"env_steps": [], "success_rate": [], "explored": used}
    while used < steps:
        before = policy.num_timesteps
        policy.learn(min(SLICE, steps - used) * per_step, reset_num_timesteps=False)
        used += (policy.num_timesteps - before) // per_step
        curve["env_steps"].append(used)
        curve["success_rate"].append(success_rate(policy, judge))
    return {**curve, "seconds": time.perf_counter() - began}


def main() -> None:
    """Train all seeds of both sides, print a summary, and write ``results.json`` and ``curves.png``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=150_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(args.jobs) as pool:
        pending = [
            (isa, pool.submit(train, isa, seed, args.steps)) for seed in range(args.seeds) for isa in (True, False)
        ]
        found = [(isa, future.result()) for isa, future in pending]
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    results = {}
    for color, (isa, name) in enumerate(((True, "MaskablePPO with ISA"), (False, "MaskablePPO alone"))):
        runs = [run for side, run in found if side == isa]
        grid = np.unique(np.concatenate([run["env_steps"] for run in runs]))
        rates = [np.interp(grid, run["env_steps"], run["success_rate"], left=0.0) for run in runs]
        axes.plot(grid, np.mean(rates, axis=0), color=f"C{color}", label=name)
        axes.fill_between(grid, np.min(rates, axis=0), np.max(rates, axis=0), color=f"C{color}", alpha=0.2)
        final = [run["success_rate"][-1] for run in runs]
        results[name] = {"runs": runs, "final": final, "median": statistics.median(final)}
        seconds = statistics.median(run["seconds"] for run in runs)
        print(f"{name}: success rate {statistics.median(final):.2f} (by seed {final}), {seconds:.0f} s per seed")
    axes.set(xlabel="environment steps", ylabel="success rate", ylim=(-0.03, 1.03), title="grid/shooting")
    axes.legend()
    figure.savefig(args.out / "curves.png", dpi=110)
    (args.out / "results.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
