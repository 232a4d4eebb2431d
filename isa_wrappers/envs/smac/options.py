"""Options of the SMAC tasks: the reward modes and the refused options."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from isa_wrappers.errors import InvalidValueError, check_choice, check_int, nearest

REWARDS: dict[str, dict[str, bool]] = {
    "dense": {"reward_sparse": False},
    "sparse": {"reward_sparse": True},
    "super_sparse": {"reward_sparse": True, "reward_scale": False},
}
"""Options of ``StarCraft2Env`` for each reward mode."""
OWN_OPTIONS = {"map_name": "the task's name", "reward_sparse": "reward='sparse'"}
DIFFICULTIES = "123456789A"
"""Difficulty of the built-in opponent, from very easy to cheating."""
LARGEST_SEED = 2**32 - 1


def check_seed(seed: Any) -> None:
    """Check that a seed is ``None`` or in the range that the game accepts.

    Raises:
        InvalidValueError: if it is not.
    """
    if seed is not None:
        check_int("seed", seed, 0, LARGEST_SEED)


def check_options(make: Any, options: Mapping[str, Any], reward: str) -> None:
    """Check that options are parameters of ``make``, StarCraft2Env, and are not set elsewhere.

    Raises:
        InvalidValueError: if an option is unknown or set elsewhere.
    """
    known = [option for option in signature(make).parameters if option != "self" and option not in OWN_OPTIONS]
    for option, value in options.items():
        if option in OWN_OPTIONS or option in REWARDS[reward]:
            instead = OWN_OPTIONS.get(option, "another reward mode")
            raise InvalidValueError(f"option {option} is set by {instead}; leave it out, got {value!r}")
        if option not in known:
            raise InvalidValueError(
                f"StarCraft2Env has no option {option!r}{nearest(option, known) or ';'} it has {', '.join(known)}"
            )
    check_choice("difficulty", options.get("difficulty", "7"), DIFFICULTIES)
