"""Steps, CPU seconds and errors of a scope of many agents, with agents acting all at once or one at a time.

python benchmarks/scope_of_many_agents.py --agents 3 7 27 100
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
import scope_tasks
import scope_truth

from isa_wrappers import ScopeConfig, estimate_scope


def main() -> None:
    """Print one row per team size and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", nargs="+", type=int, default=[3, 7, 27, 100])
    parser.add_argument("--each", type=int, default=1_000, help="transitions per agent if one acts at a time")
    parser.add_argument("--seed", type=int, default=200)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print("agents, way, steps, CPU seconds, false and missing cells of D(a_i), D_i, D_c")
    for agents in args.agents:
        ways = {
            "all at once": ScopeConfig(),
            "all at once, until certain": ScopeConfig(until_certain=True),
            "one at a time": ScopeConfig(args.each, estimator="interval_effect_in_turn"),
            "one at a time, nmi_block": ScopeConfig(args.each, estimator="nmi_block"),
        }
        for way, config in ways.items():
            env = scope_tasks.Team(team=agents)
            began = time.process_time()
            scope = estimate_scope(env, config, args.seed)
            took, steps = time.process_time() - began, scope.settings["env_steps"]
            print(f"{agents}, {way}, {steps:,}, {took:.1f}, {scope_truth.misses(scope, env.truth)}", flush=True)


if __name__ == "__main__":
    main()
