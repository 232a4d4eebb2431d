"""Names and sizes of the vectors of SMAC's ``StarCraft2Env``, in the order of its public source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def obs_size(env: Any) -> int:
    """Return the true length of an observation: with ``obs_timestep_number`` it is one more than SMAC reports."""
    return int(env.get_obs_size()) + bool(env.obs_timestep_number)


def action_names(env: Any) -> tuple[str, ...]:
    """Name SMAC's actions. On maps with medivacs, a medivac's action on target k heals ally k instead."""
    names = ["noop", "stop", "north", "south", "east", "west"]
    for k in range(env.n_enemies):
        heals = env.map_type == "MMM" and k < env.n_agents
        names.append(f"attack_enemy_{k}_or_heal_ally_{k}" if heals else f"attack_enemy_{k}")
    return tuple(names)


def state_names(env: Any) -> tuple[str, ...]:
    """Name the dimensions of SMAC's ``get_state()``: allies, enemies, then optional parts."""
    if env.obs_instead_of_state:
        return tuple(f"ally_{i}.obs_{k}" for i in range(env.n_agents) for k in range(obs_size(env)))
    types = [f"type_{k}" for k in range(env.unit_type_bits)]
    charge = "cooldown_or_energy" if env.map_type == "MMM" else "cooldown"
    ally = ["health", charge, "x", "y"] + ["shield"] * env.shield_bits_ally + types
    enemy = ["health", "x", "y"] + ["shield"] * env.shield_bits_enemy + types
    names = [f"ally_{i}.{feature}" for i in range(env.n_agents) for feature in ally]
    names += [f"enemy_{i}.{feature}" for i in range(env.n_enemies) for feature in enemy]
    if env.state_last_action:
        names += [f"ally_{i}.last_{feature}" for i in range(env.n_agents) for feature in action_names(env)]
    return (*names, "timestep") if env.state_timestep_number else tuple(names)


def what_stays(names: Sequence[str]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return which dimensions keep their value when a unit dies, ``[K]`` bool, and the index of the unit's health.

    Example:
        >>> stays, health = what_stays(["enemy_0.health", "enemy_0.x", "enemy_0.type_0", "enemy_0.shield"])
        >>> stays.tolist(), health.tolist()
        ([False, True, True, False], [0, 0, 0, 0])
    """
    index = {name: k for k, name in enumerate(names)}
    units, features = zip(*(name.partition(".")[::2] for name in names), strict=True)
    stays = [feature in ("x", "y") or feature.startswith("type_") for feature in features]
    return np.array(stays), np.array([index.get(f"{unit}.health", 0) for unit in units])
