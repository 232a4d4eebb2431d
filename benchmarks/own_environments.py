"""Environments as users bring them, which no preset knows: what the settings for such were chosen on and judged on.

    isa compare plan.yaml --out own       # in the repository's folder; the plan is in docs/benchmarks.md

Doors are those of the examples: each agent turns a dial of its own and all push one door. Dials and the locked room are
tasks of the library under names that no preset's pattern matches.
"""

from __future__ import annotations

from examples.own_environment import Door
from isa_wrappers.batch import BatchEnv
from isa_wrappers.envs import make_batch


def door_2() -> Door:
    """Judged: the door of the docs."""
    return Door()


def door_3() -> Door:
    """Chose."""
    return Door(agents=3)


def door_4() -> Door:
    """Chose: a wider door and a code further away."""
    return Door(agents=4, code=7, width=20)


def door_5() -> Door:
    """Judged."""
    return Door(agents=5, code=4, width=15)


def half_dials(num_envs: int = 1, device: str = "cpu") -> BatchEnv:
    """Chose: two of four dials are both agents'."""
    return make_batch("grid/dials", num_envs=num_envs, device=device, overlap=0.5)


def common_dials(num_envs: int = 1, device: str = "cpu") -> BatchEnv:
    """Judged: all four dials are both agents', of seven positions each."""
    return make_batch("grid/dials", num_envs=num_envs, device=device, overlap=1.0, positions=7)


def locked_room(num_envs: int = 1, device: str = "cpu") -> BatchEnv:
    """Judged: random play never comes to what matters, so that its scope cannot hold it."""
    return make_batch("grid/locked_room", num_envs=num_envs, device=device)
