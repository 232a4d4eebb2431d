"""Action masks as environments give them: padded to the team's longest, or one for each component."""

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
    """Return a mask ``[n]`` of an agent's elementary actions, without what pads it to the length of another agent's.

    Args:
        mask: as the environment gave it.
        agent: whose.
        code: of its actions.
        longest: the most elementary actions that an agent of its team has.
        when: for messages.

    Raises:
        UnsupportedEnvironmentError: if it has another length, holds NaN, forbids all, or is one of continuous actions.

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
            f"the action mask of agent {agent!r} {when} must hold 1 for what may be chosen and 0 for the rest, "
            f"got {shown(mask)}"
        )
    available: Mask = numbers != 0
    if code.components[0].is_range:
        raise UnsupportedEnvironmentError(
            f"agent {agent!r} has an action mask {when} and continuous actions, of which none can be masked; leave it "
            "out"
        )
    if len(available) != n and (len(available) != longest or available[n:].any()):
        raise UnsupportedEnvironmentError(
            f"the action mask of agent {agent!r} {when} holds {len(available)} numbers for {n} actions"
        )
    available = available[:n]
    if unavailable := code.shut(available):
        values = f"{n} actions" if code.kind == "Discrete" else f"values at {unavailable[0]}"
        raise UnsupportedEnvironmentError(
            f"the action mask of agent {agent!r} {when} forbids all of its {values}; leave one, such as doing nothing, "
            "or take the agent out of env.agents"
        )
    return available


def idle_actions(
    agents: Collection[str],
    codes: Mapping[str, ActionCode],
    observations: Mapping[str, Any],
    infos: Mapping[str, Any],
    longest: int,
) -> dict[str, Any]:
    """Return the actions of agents that are gone and still asked for one: nothing, or what their mask allows.

    A mask that allows nothing, as the dead may have, or that cannot be read asks for nothing.

    Args:
        agents: who they are.
        codes: agent -> how its actions are written.
        observations: by agent, as they came last.
        infos: likewise.
        longest: the most elementary actions that an agent of the team has.

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
    """Return a mask as a vector, of objects where it holds anything but numbers."""
    try:
        if len(code.components) > 1 and isinstance(mask, tuple | list):  # a mask for each component
            mask = np.concatenate([np.reshape(part, -1) for part in mask])
        numbers: npt.NDArray[Any] = np.asarray(mask).reshape(-1)
    except ValueError:  # parts of several lengths
        return np.array([None])
    if numbers.dtype.kind == "O" and all(isinstance(one, Real | np.bool_) and one == one for one in numbers):
        numbers = numbers != 0
    return numbers
