"""User-style environments without a preset of their own: some were used to choose the default settings, some to test.

    isa compare plan.yaml --out own       # run in the repository's root; the plan is in docs/benchmarks.md

The doors are variations of examples/own_environment.py: each agent turns its own dial and all push one door. The dials
and the locked room are tasks of the library under names that match no preset's pattern.
"""

from __future__ import annotations

from examples.own_environment import Door
from isa_wrappers.batch import BatchEnv
from isa_wrappers.envs import make_batch


def door_2() -> Door:
    """Test: the door of the docs."""
    return Door()


def door_3() -> Door:
    """Tuning: three agents."""
    return Door(agents=3)


def door_4() -> Door:
    """Tuning: four agents, a wider door and a code further away."""
    return Door(agents=4, code=7, width=20)


def door_5() -> Door:
    """Test: five agents and a wider door."""
    return Door(agents=5, code=4, width=15)


def half_dials(num_envs: int = 1, device: str = "cpu") -> BatchEnv:
    """Tuning: both agents can turn two of the four dials."""
    return make_batch("grid/dials", num_envs=num_envs, device=device, overlap=0.5)


def common_dials(num_envs: int = 1, device: str = "cpu") -> BatchEnv:
    """Test: both agents can turn all four dials, which have seven positions each."""
    return make_batch("grid/dials", num_envs=num_envs, device=device, overlap=1.0, positions=7)


def locked_room(num_envs: int = 1, device: str = "cpu") -> BatchEnv:
    """Test: random play never reaches the important dimensions, so its scope cannot contain them."""
    return make_batch("grid/locked_room", num_envs=num_envs, device=device)
