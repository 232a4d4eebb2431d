"""Estimate only the scope: what each agent can influence, and how the result depends on the threshold delta.

python examples/read_a_scope.py grid/shooting
"""

from __future__ import annotations

import sys

from isa_wrappers.envs import estimate_task_scope


def main(task: str = "grid/shooting") -> None:
    """Print each agent's special dimensions, and the common dimensions D_c for several values of delta."""
    scope = estimate_task_scope(task)
    for agent, dims in zip(scope.agents, scope.special_dims, strict=True):
        print(f"{agent} alone moves {[scope.dim_name(k) for k in dims]}")
    for delta in (0.1, 0.3, 0.5):
        print(f"delta {delta}: all agents move {[scope.dim_name(k) for k in scope.with_delta(delta).common_dims]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
