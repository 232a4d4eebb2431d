"""How often a scope is exact (all of D(a_i), D_i and D_c), on tasks whose true scope is known from their rules.

python benchmarks/scope_ground_truth.py --tasks stress1 grid/shooting --seeds 3 --estimators interval_effect nmi_block
python benchmarks/scope_ground_truth.py --redrawn 34 --tasks grid/shooting smax/3m    # false alarms
python benchmarks/scope_ground_truth.py --redrawn 50 --strata --tasks grid/shooting    # false alarms within strata
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
import scope_breakers
import scope_tasks
import scope_truth

from isa_wrappers import ESTIMATORS, InfluenceScope, ScopeConfig, estimate_scope
from isa_wrappers.border.start import close_env
from isa_wrappers.envs import estimate_task_scope, make_batch
from isa_wrappers.envs.registry import family_of
from isa_wrappers.scope.strata import effects_in_strata
from isa_wrappers.scope.transitions import collect_all_at_once
from isa_wrappers.scope.windows import gather

BUILT = {**scope_tasks.STRESS, **scope_breakers.BREAKERS, **scope_breakers.FURTHER}
NAMED = (
    "grid/navigation",
    "grid/unlock",
    "grid/shooting",
    "grid/dials",
    "examples.own_environment:Door",
    "mpe/simple_v3",
    "mpe/simple_adversary_v3",
    "mpe/simple_crypto_v3",
    "mpe/simple_push_v3",
    "mpe/simple_reference_v3",
    "mpe/simple_speaker_listener_v4",
    "mpe/simple_spread_v3",
    "mpe/simple_tag_v3",
    "mpe/simple_formation_v1",
    "mpe/simple_line_v1",
    "smax/3m",
    "smax/2s_vs_1sc",
    "smax/8m",
    "smax/2s3z",
)
"""Tasks of the library."""


def estimate(task: str, config: ScopeConfig, seed: int) -> tuple[InfluenceScope, object]:
    """Return one estimated scope and the truth."""
    if task in BUILT:
        env = BUILT[task]()
        return estimate_scope(env, config, seed), env.truth
    scope = estimate_task_scope(task, config, seed)
    return scope, scope_truth.named_truth(task, scope)


def false_alarms(task: str, runs: int, first_seed: int, strata: bool = False) -> tuple[int, int]:
    """Return how many runs have a non-empty scope, and how many false cells, when actions are redrawn afterwards.

    Actions are redrawn uniformly from those available in the same step, so that they move nothing; everything else is
    unchanged. Ten runs share the same states. ``strata`` estimates within strata, as a scope that follows training.
    """
    estimator, alarms, cells = ESTIMATORS["interval_effect"], 0, 0
    config = estimator.settled(ScopeConfig())
    for run in range(runs):
        if run % 10 == 0:
            env = BUILT[task]() if task in BUILT else make_batch(task, family_of(task).listeners(1))
            (part,) = collect_all_at_once(env, config, first_seed + run)
            if task not in BUILT:
                close_env(env)
        draws = np.random.default_rng(first_seed + run).random(part.available.shape)
        redrawn = replace(part, actions=(part.available * (draws + 1e-9)).argmax(axis=-1))
        if strata:
            found = effects_in_strata(gather([redrawn], 1)) > config.delta
        else:
            found = estimator.estimate([redrawn], config, part.available.shape[-1]) > config.delta
        alarms, cells = alarms + bool(found.any()), cells + int(found.sum())
    return alarms, cells


def main() -> None:
    """Print one row per task and estimator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=[*BUILT, *NAMED])
    parser.add_argument("--estimators", nargs="+", default=["interval_effect"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--transitions", type=int, help="default: the estimator's own")
    parser.add_argument("--redrawn", type=int, help="count false alarms in this many runs instead")
    parser.add_argument("--strata", action="store_true", help="with --redrawn: estimate within strata")
    parser.add_argument("--seconds", type=float, default=120.0, help="no more runs of a task after this time")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.redrawn:
        for task in args.tasks:
            alarms, cells = false_alarms(task, args.redrawn, args.first_seed, args.strata)
            print(f"{task}: {alarms} of {args.redrawn} runs with false cells, {cells} cells", flush=True)
        return
    print("task, estimator, exact runs, steps, CPU seconds per run, false and missing cells of D(a_i), D_i, D_c")
    for task in args.tasks:
        for estimator in args.estimators:
            runs, wrong, steps, began = 0, [], 0, time.process_time()
            for seed in range(args.first_seed, args.first_seed + args.seeds):
                if runs and time.process_time() - began > args.seconds:
                    break
                scope, truth = estimate(task, ScopeConfig(args.transitions, estimator=estimator), seed)
                cooldown = [k for k, name in enumerate(scope.state_names) if name.endswith(".cooldown")]
                runs, steps = runs + 1, scope.settings["env_steps"]
                if any(counts := scope_truth.misses(scope, truth, left_out=cooldown)):
                    wrong.append((seed, counts))
            each = (time.process_time() - began) / runs
            print(
                f"{task}, {estimator}, {runs - len(wrong)} of {runs}, {steps:,}, {each:.1f}, {wrong or ''}", flush=True
            )


if __name__ == "__main__":
    main()
