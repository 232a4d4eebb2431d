"""One step as ISA's PettingZoo wrappers pass it to each other: acting agents, actions and results."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from pettingzoo import ParallelEnv

from isa_wrappers.border.discrete import read_discrete
from isa_wrappers.border.team_actions import TeamCode
from isa_wrappers.errors import InvalidValueError, shown

Env: TypeAlias = "ParallelEnv[str, Any, int]"
Infos = dict[str, dict[str, Any]]


class Turn(NamedTuple):
    """One step of the inner environment.

    Attributes:
        before: state before the step, ``[K]``.
        acted: whether each of the A agents acted; actions for agents that are not active do not count, nor does a step
            lost in a game crash.
        chosen: actions of the A agents; an action with components is a list of elementary actions.
        observations: observations returned by the step.
        rewards: rewards returned by the step.
        infos: infos returned by the step.
        crashed: whether the game crashed in this step (``crashed`` in the infos).
    """

    before: npt.NDArray[np.floating[Any]]
    acted: list[bool]
    chosen: list[Any]
    observations: dict[str, Any]
    rewards: dict[str, float]
    infos: Infos
    crashed: bool = False


def read_actions(
    actions: Mapping[str, Any],
    living: Collection[str],
    indices: Mapping[str, int],
    num_actions: tuple[int, ...],
    code: TeamCode | None,
) -> tuple[list[bool], list[Any]]:
    """Return ``acted`` and ``chosen`` of :class:`Turn`.

    Args:
        actions: actions by agent, as passed to ``step()``.
        living: agents that may act.
        indices: agent -> its index among the A agents.
        num_actions: number of actions of each agent.
        code: encoding of the team's actions, unless they are one choice per agent.

    Raises:
        InvalidValueError: if actions are not a dict, or an agent does not have an action.
    """
    if not isinstance(actions, Mapping):
        raise InvalidValueError(f"actions must be a dict by agent, got {shown(actions)}")
    acted, chosen = [False] * len(indices), [0] * len(indices)
    if code is not None:
        acting = {indices[agent]: (action, agent) for agent, action in actions.items() if agent in living}
        return [i in acting for i in range(len(acted))], code.read(acting).tolist()
    for agent, action in actions.items():
        if agent in living:
            i = indices[agent]
            acted[i], chosen[i] = True, read_discrete(action, num_actions[i], agent)
    return acted, chosen
