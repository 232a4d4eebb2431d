"""Read the properties of a PettingZoo ``ParallelEnv``: type, actions, masks, and observations as flat vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.arrays import to_numpy
from isa_wrappers.border.actions import ActionCode
from isa_wrappers.border.converters import converter_for
from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError

StateFallback = str | Callable[[Any], npt.NDArray[Any]] | None
"""Source of the global state: ``None`` for ``env.state()``, ``"observations"`` to concatenate them, or a function of
the environment."""


def check_state_fallback(fallback: Any) -> None:
    """Check a replacement for ``state()``.

    Raises:
        InvalidValueError: if it is not ``None``, ``"observations"`` or a function.
    """
    is_observations = isinstance(fallback, str) and fallback == "observations"
    if fallback is not None and not is_observations and not callable(fallback):
        raise InvalidValueError(
            f"state_fallback must be None, 'observations' or a function of the environment, got {fallback!r}"
        )


def check_parallel(env: Any) -> None:
    """Check that ``env`` is a ``ParallelEnv``.

    Raises:
        UnsupportedEnvironmentError: if it is an AEC environment, already vectorised, or anything else; the message
            names a converter if one is known.
    """
    if is_aec(env):
        raise UnsupportedEnvironmentError(
            f"{env} is an AEC environment, in which agents take turns, but ISA needs them to act simultaneously: if a "
            "round of all agents makes one step, set metadata['is_parallelizable'] = True, and ISA converts it"
        )
    if not hasattr(env, "possible_agents") or not hasattr(env, "action_space"):
        vectorised = hasattr(env, "num_envs")
        advice = converter_for(env)
        reason = "it is vectorised: wrap the environments first" if vectorised else "it has no possible_agents"
        raise UnsupportedEnvironmentError(f"{env!r} is not a PettingZoo ParallelEnv: {advice or reason}")


def is_aec(env: Any) -> bool:
    """Return whether agents take turns in an environment."""
    return hasattr(env, "agent_iter") and not hasattr(env, "num_envs")


def as_parallel(env: Any) -> Any:
    """Return ``env`` as a ``ParallelEnv``, converted if necessary.

    PettingZoo's converter handles an AEC environment that can be stepped in parallel;
    :class:`~isa_wrappers.border.adapters.TeamEnv` handles a Gymnasium environment with Tuple spaces.

    Raises:
        UnsupportedEnvironmentError: as in :func:`check_parallel`.
    """
    if is_aec(env) and (getattr(env, "metadata", None) or {}).get("is_parallelizable", False):
        from pettingzoo.utils.conversions import aec_to_parallel

        return aec_to_parallel(env)
    if hasattr(env, "action_space") and not hasattr(env, "possible_agents"):
        from isa_wrappers.border.adapters import TeamEnv, is_team

        if is_team(env):
            return TeamEnv(env)
    check_parallel(env)
    return env


def _declared_space(env: Any, agent: str, kind: str) -> Any:
    method = getattr(env, kind, None)
    if not callable(method):
        raise UnsupportedEnvironmentError(f"{env} has no {kind}(agent); ISA needs the space of every possible agent")
    try:
        space = method(agent)
    except (AttributeError, KeyError, NotImplementedError) as error:
        raise UnsupportedEnvironmentError(
            f"{kind}({agent!r}) of {env} fails ({type(error).__name__}: {error}); it must work for every possible agent"
        ) from error
    if not isinstance(space, spaces.Space):
        is_old_gym = type(space).__module__.split(".")[0] == "gym"
        usual_kind = "Discrete(n)" if kind == "action_space" else "Box"
        replacement = type(space).__name__ if is_old_gym else usual_kind
        fault = "a space of the old package gym" if is_old_gym else f"not a gymnasium space: {space!r}"
        raise UnsupportedEnvironmentError(f"{kind}({agent!r}) of {env} is {fault}; use gymnasium.spaces.{replacement}")
    return space


def observation_space(env: Any, agent: str) -> spaces.Space[Any]:
    """Return the observation space of an agent.

    Raises:
        UnsupportedEnvironmentError: if there is none, or it is not a gymnasium space.
    """
    return _declared_space(env, agent, "observation_space")  # type: ignore[no-any-return]


def action_code(env: Any, agent: str, names: Sequence[str] = ()) -> ActionCode:
    """Return the encoding of an agent's actions.

    Args:
        env: the environment.
        agent: name of the agent.
        names: names of the action's components; ignored unless there is one for each.

    Raises:
        UnsupportedEnvironmentError: if the action space is not supported.
    """
    return ActionCode.of(_declared_space(env, agent, "action_space"), agent, names)


def inner_space(space: Any) -> Any:
    """Return the ``"observation"`` entry of a Dict space, else the Dict without its mask; any other space unchanged."""
    if not isinstance(space, spaces.Dict):
        return space
    if "observation" in space.spaces:
        return space["observation"]
    return spaces.Dict({key: part for key, part in space.spaces.items() if key != "action_mask"})


def has_mask(space: Any) -> bool:
    """Return whether the observation space contains an action mask."""
    return isinstance(space, spaces.Dict) and "action_mask" in space.spaces


def inner_observation(obs: Any) -> Any:
    """Return the ``"observation"`` entry of a Dict, else the Dict without its mask; anything else unchanged."""
    if not isinstance(obs, dict):
        return obs
    return obs["observation"] if "observation" in obs else {k: part for k, part in obs.items() if k != "action_mask"}


def flat_size(space: Any) -> int:
    """Return the length of an agent's flat observation, without its mask.

    Raises:
        UnsupportedEnvironmentError: if the length is not fixed.
    """
    inner = inner_space(space)
    try:
        return int(spaces.flatdim(inner))
    except (ValueError, NotImplementedError) as error:
        raise _no_fixed_length(inner) from error


def flatten(space: Any, obs: Any) -> npt.NDArray[Any]:
    """Return an agent's observation, without its mask, as a vector; Discrete becomes one-hot."""
    return flat_vector(inner_space(space), obs)


def flat_vector(inner: Any, obs: Any) -> npt.NDArray[Any]:
    """Do the same as :func:`flatten`, given the space without its mask."""
    value = inner_observation(obs)
    if hasattr(value, "detach"):
        value = to_numpy(value)
    if isinstance(inner, spaces.Box):
        return np.asarray(value).reshape(-1)
    try:
        return np.asarray(spaces.flatten(inner, value))
    except (IndexError, TypeError):  # codes given as floats, which the border has found to be integers
        return np.asarray(spaces.flatten(inner, _with_whole_codes(inner, value)))


def _with_whole_codes(space: Any, value: Any) -> Any:
    """Return an observation with its codes as integers."""
    if isinstance(space, spaces.Dict):
        return {key: _with_whole_codes(part, value[key]) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_with_whole_codes(part, element) for part, element in zip(space.spaces, value, strict=True))
    return to_numpy(value).astype(np.int64) if isinstance(space, spaces.Discrete | spaces.MultiDiscrete) else value


def _no_fixed_length(space: Any) -> UnsupportedEnvironmentError:
    return UnsupportedEnvironmentError(
        f"observations {space} have no fixed length; supported: spaces that flatten to a Box"
    )


def is_float_vector(space: Any) -> bool:
    """Return whether a space is a one-dimensional Box of floats with 32 bits or more."""
    vector = isinstance(space, spaces.Box) and len(space.shape) == 1 and np.issubdtype(space.dtype, np.floating)
    return vector and np.dtype(space.dtype).itemsize >= 4


def flat_box(space: Any) -> spaces.Box:
    """Return the Box of an agent's observation, without its mask, as a float vector; float vectors stay unchanged.

    Raises:
        UnsupportedEnvironmentError: if the length is not fixed.
    """
    inner = inner_space(space)
    if is_float_vector(inner):
        return inner  # type: ignore[no-any-return]
    try:
        flat = spaces.flatten_space(inner)
    except NotImplementedError:
        flat = inner
    if not isinstance(flat, spaces.Box):
        raise _no_fixed_length(inner)
    return spaces.Box(flat.low.astype(np.float32), flat.high.astype(np.float32), dtype=np.float32)
