"""Run PettingZoo's API test on both wrapper stacks over an environment of third_party_envs.

python -m benchmarks.third_party_stacks NAME SCOPE_FOLDER
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
from pettingzoo.test import parallel_api_test

from benchmarks.third_party_envs import ENVIRONMENTS
from isa_wrappers import GoalBuffer, InfluenceScope, load_scope
from isa_wrappers.border.spaces import as_parallel
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

CYCLES = 100


def exploring(env: Any, scope: InfluenceScope, **options: Any) -> Any:
    """Return the stack of the first phase: records won states and rewards rarely visited values."""
    return InfluenceCountBonus(GoalRecording(env, scope, GoalBuffer(scope.state_size), **options), scope)


def reaching(env: Any, scope: InfluenceScope, state: np.ndarray, **options: Any) -> Any:
    """Return the stack of the second phase: adds goals to observations and rewards progress towards them."""
    goals = GoalBuffer(scope.state_size)
    goals.add(state[None], np.array([True]))
    return GoalSegmentReward(GoalSampling(env, scope, goals, **options), scope)


def main() -> None:
    name, where = sys.argv[1:]
    warnings.simplefilter("ignore")
    entry, scope = ENVIRONMENTS[name], load_scope(where)
    options = {"state_fallback": "observations"} if "--state-fallback" in entry.options else {}
    parallel_api_test(exploring(as_parallel(entry.make()), scope, **options), num_cycles=CYCLES)
    state = np.zeros(scope.state_size, np.float32)
    parallel_api_test(reaching(as_parallel(entry.make()), scope, state, **options), num_cycles=CYCLES)


if __name__ == "__main__":
    main()
