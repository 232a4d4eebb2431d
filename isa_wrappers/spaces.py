"""Reading a PettingZoo ``ParallelEnv``: its kind, action counts, masks and observations as flat vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError

StateFallback = str | Callable[[Any], npt.NDArray[Any]] | None
"""What gives the global state: ``None`` for ``env.state()``, ``"observations"`` to concatenate them, or a function of
the environment."""


def check_state_fallback(fallback: Any) -> None:
    """Check what is to stand for ``state()``.

    Raises:
        InvalidValueError: unless it is ``None``, ``"observations"`` or a function.
    """
    told = isinstance(fallback, str) and fallback == "observations"
    if fallback is not None and not told and not callable(fallback):
        raise InvalidValueError(
            f"state_fallback must be None, 'observations' or a function of the environment, got {fallback!r}"
        )


def check_parallel(env: Any) -> None:
    """Check that ``env`` is a ``ParallelEnv``.

    Raises:
        UnsupportedEnvironmentError: for an AEC environment (naming the converter), an already vectorised one, or
            anything else.
    """
    if hasattr(env, "agent_iter") and not hasattr(env, "num_envs"):
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
    """Return the ``"observation"`` entry of a Dict space, a Dict without it less its mask, any other space itself."""
    if not isinstance(space, spaces.Dict):
        return space
    if "observation" in space.spaces:
        return space["observation"]
    return spaces.Dict({key: part for key, part in space.spaces.items() if key != "action_mask"})


def inner_observation(obs: Any) -> Any:
    """Return the ``"observation"`` entry of a Dict observation, a Dict without it less its mask, any other itself."""
    if not isinstance(obs, dict):
        return obs
    return obs["observation"] if "observation" in obs else {k: part for k, part in obs.items() if k != "action_mask"}


def flat_size(space: Any) -> int:
    """Return the length of an agent's flat observation (without its mask)."""
    return int(spaces.flatdim(inner_space(space)))


def flatten(space: Any, obs: Any) -> npt.NDArray[Any]:
    """Return an agent's observation (without its mask) as a vector; Discrete becomes one-hot."""
    return np.asarray(spaces.flatten(inner_space(space), inner_observation(obs)))


def is_float_vector(space: Any) -> bool:
    """Tell whether a space is a one-dimensional Box of floats."""
    return isinstance(space, spaces.Box) and len(space.shape) == 1 and np.issubdtype(space.dtype, np.floating)


def flat_box(space: Any) -> spaces.Box:
    """Return the Box of an agent's observation (without its mask) as a float vector; a float vector stays itself.

    Raises:
        UnsupportedEnvironmentError: if it has no fixed length.
    """
    inner = inner_space(space)
    if is_float_vector(inner):
        return inner  # type: ignore[no-any-return]
    try:
        flat = spaces.flatten_space(inner)
    except NotImplementedError:
        flat = inner
    if not isinstance(flat, spaces.Box):
        raise UnsupportedEnvironmentError(
            f"observations {inner} have no fixed length; supported: what flattens to a Box"
        )
    return spaces.Box(flat.low.astype(np.float32), flat.high.astype(np.float32), dtype=np.float32)


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
    if fallback == "observations":
        return concatenated(env, observations)
    try:
        state = fallback(env) if callable(fallback) else env.state() if hasattr(env, "state") else None
    except NotImplementedError:
        state = None
    if state is None:
        raise UnsupportedEnvironmentError(
            f"{env} has no state(); pass state_fallback='observations' or a function of the environment"
        )
    try:
        return np.array(state, dtype=np.float32).reshape(-1)
    except (TypeError, ValueError) as error:
        raise UnsupportedEnvironmentError(f"the state of {env} must be an array of numbers, got {state!r}") from error


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
