"""Read action masks, which may be padded to the longest of the team or split by component."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.actions import ActionCode
from isa_wrappers.errors import UnsupportedEnvironmentError, shown

Mask = npt.NDArray[np.bool_]


def read_mask(mask: Any, agent: str, code: ActionCode, longest: int, when: str) -> Mask:
    """Return the mask of an agent's elementary actions, ``[n]``, without padding.

    Args:
        mask: mask from the environment.
        agent: name of the agent.
        code: encoding of its actions.
        longest: largest number of elementary actions in the team.
        when: time of the mask, for messages.

    Raises:
        UnsupportedEnvironmentError: if it has the wrong length, contains NaN, forbids all actions, or belongs to
            continuous actions.

    Example:
        >>> from gymnasium import spaces
        >>> two = ActionCode.of(spaces.Discrete(2), "a")
        >>> read_mask([1, 0, 0], "a", two, longest=3, when="at the reset").tolist()
        [True, False]
    """
    n = code.num_actions
    numbers = _numbers(mask, code)
    if numbers.dtype.kind not in "buif" or np.isnan(numbers).any():
        raise UnsupportedEnvironmentError(
            f"the action mask of agent {agent!r} {when} must be 1 for available actions and 0 for the others, "
            f"got {shown(mask)}"
        )
    available: Mask = numbers != 0
    if code.components[0].is_range:
        raise UnsupportedEnvironmentError(
            f"agent {agent!r} has an action mask {when}, but continuous actions cannot be masked; leave out the mask"
        )
    if len(available) != n and (len(available) != longest or available[n:].any()):
        raise UnsupportedEnvironmentError(
            f"the action mask of agent {agent!r} {when} has {len(available)} numbers for {n} actions"
        )
    available = available[:n]
    if components := code.unavailable_components(available):
        values = f"{n} actions" if code.kind == "Discrete" else f"values at {components[0]}"
        raise UnsupportedEnvironmentError(
            f"the action mask of agent {agent!r} {when} forbids all of its {values}; allow one, such as doing nothing, "
            "or remove the agent from env.agents"
        )
    return available


def idle_actions(
    agents: Collection[str],
    codes: Mapping[str, ActionCode],
    observations: Mapping[str, Any],
    infos: Mapping[str, Any],
    longest: int,
) -> dict[str, Any]:
    """Return actions of agents that are gone but still need one: the idle action, or one that their mask allows.

    A mask that allows nothing, as dead agents may have, or that is unreadable leads to the idle action.

    Args:
        agents: names of these agents.
        codes: agent -> encoding of its actions.
        observations: last observations by agent.
        infos: last infos by agent.
        longest: largest number of elementary actions in the team.

    Example:
        >>> from gymnasium import spaces
        >>> codes = {"a": ActionCode.of(spaces.Discrete(2), "a")}
        >>> idle_actions(["a"], codes, {}, {"a": {"action_mask": [0, 1]}}, 2)
        {'a': 1}
    """
    idle = {agent: codes[agent].idle for agent in agents if agent in codes}  # the border refuses others
    for agent in idle:
        for source in (observations.get(agent), infos.get(agent)):
            if isinstance(source, Mapping) and source.get("action_mask") is not None:
                with suppress(UnsupportedEnvironmentError):
                    mask = read_mask(source["action_mask"], agent, codes[agent], longest, "")
                    idle[agent] = codes[agent].first(mask)
                break
    return idle


def _numbers(mask: Any, code: ActionCode) -> npt.NDArray[Any]:
    """Return a mask as a vector, with dtype object if it contains anything but numbers."""
    try:
        if len(code.components) > 1 and isinstance(mask, tuple | list):  # one mask per component
            mask = np.concatenate([np.reshape(part, -1) for part in mask])
        numbers: npt.NDArray[Any] = np.asarray(mask).reshape(-1)
    except ValueError:  # parts of different lengths
        return np.array([None])
    if numbers.dtype.kind == "O" and all(
        isinstance(number, Real | np.bool_) and number == number for number in numbers
    ):
        numbers = numbers != 0
    return numbers
