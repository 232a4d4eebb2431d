"""Reading a PettingZoo ``ParallelEnv``: its kind, action counts, masks and observations as flat vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.errors import UnsupportedEnvironmentError

StateFallback = str | Callable[[Any], npt.NDArray[Any]] | None
"""What gives the global state: ``None`` for ``env.state()``, ``"observations"`` to concatenate them, or a function of
the environment."""


def check_parallel(env: Any) -> None:
    """Check that ``env`` is a ``ParallelEnv``.

    Raises:
        UnsupportedEnvironmentError: for an AEC environment (naming the converter), an already vectorised one, or
            anything else.
    """
    if hasattr(env, "agent_iter"):
        raise UnsupportedEnvironmentError(
            f"{env} is an AEC environment; convert it with pettingzoo.utils.conversions.aec_to_parallel"
        )
    if not hasattr(env, "possible_agents") or not hasattr(env, "action_space"):
        vectorised = hasattr(env, "num_envs")
        why = "is already vectorised: wrap the environments before" if vectorised else "has no possible_agents"
        raise UnsupportedEnvironmentError(f"{env!r} is not a PettingZoo ParallelEnv: it {why}")


def num_actions(env: Any, agent: str) -> int:
    """Return the number of an agent's actions.

    Raises:
        UnsupportedEnvironmentError: unless they are ``Discrete(n)`` from 0.
    """
    space = env.action_space(agent)
    if not isinstance(space, spaces.Discrete) or space.start != 0:
        raise UnsupportedEnvironmentError(
            f"agent {agent!r} has action space {space}; supported: Discrete(n) starting at 0"
        )
    return int(space.n)


def inner_space(space: Any) -> Any:
    """Return the ``"observation"`` entry of a Dict space, any other space itself."""
    return space["observation"] if isinstance(space, spaces.Dict) and "observation" in space.spaces else space


def inner_observation(obs: Any) -> Any:
    """Return the ``"observation"`` entry of a Dict observation, any other observation itself."""
    return obs["observation"] if isinstance(obs, dict) and "observation" in obs else obs


def flat_size(space: Any) -> int:
    """Return the length of an agent's flat observation (without its mask)."""
    return int(spaces.flatdim(inner_space(space)))


def flatten(space: Any, obs: Any) -> npt.NDArray[Any]:
    """Return an agent's observation (without its mask) as a vector; Discrete becomes one-hot."""
    return np.asarray(spaces.flatten(inner_space(space), inner_observation(obs)))


def action_mask(obs: Any, info: Mapping[str, Any], n: int) -> npt.NDArray[np.bool_]:
    """Return ``[n]`` bool: the mask in a Dict observation, else the one in ``info``, else every action."""
    mask = obs.get("action_mask") if isinstance(obs, dict) else None
    mask = info.get("action_mask") if mask is None else mask
    return np.ones(n, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)


def read_state(env: Any, observations: Mapping[str, Any], fallback: StateFallback) -> npt.NDArray[np.float32]:
    """Return the global state as a new vector ``[K]`` float32.

    Raises:
        UnsupportedEnvironmentError: if the environment has no ``state()`` and there is no fallback.
    """
    if callable(fallback):
        return np.array(fallback(env), dtype=np.float32).reshape(-1)
    if fallback == "observations":
        return concatenated(env, observations)
    try:
        return np.array(env.state(), dtype=np.float32).reshape(-1)
    except (NotImplementedError, AttributeError) as error:
        raise UnsupportedEnvironmentError(
            f"{env} has no state(); pass state_fallback='observations' or a function of the environment"
        ) from error


def concatenated(env: Any, observations: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    """Concatenate the flat observations of all possible agents, zeros for those that are not there."""
    parts = []
    for agent in env.possible_agents:
        space = env.observation_space(agent)
        if agent in observations:
            parts.append(flatten(space, observations[agent]).astype(np.float32))
        else:
            parts.append(np.zeros(flat_size(space), dtype=np.float32))
    return np.concatenate(parts)
