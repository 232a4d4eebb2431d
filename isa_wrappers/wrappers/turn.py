"""One step as ISA's PettingZoo wrappers hand it to each other: who acted, how, and what came back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from pettingzoo import ParallelEnv

from isa_wrappers.border.discrete import one_of
from isa_wrappers.border.team_actions import TeamCode
from isa_wrappers.errors import InvalidValueError, shown

Env: TypeAlias = "ParallelEnv[str, Any, int]"
Infos = dict[str, dict[str, Any]]


class Turn(NamedTuple):
    """One step of the inner environment.

    Attributes:
        before: ``[K]`` the state before it.
        acted: who of the A agents acted; what is sent for the dead and the unborn does not count, nor does a step that
            was lost with its game (``crashed`` in the infos).
        chosen: their A actions; where an action has components, the list of elementary ones in the place of each.
        observations: returned by the step.
        rewards: likewise.
        infos: likewise.
    """

    before: npt.NDArray[np.floating[Any]]
    acted: list[bool]
    chosen: list[Any]
    observations: dict[str, Any]
    rewards: dict[str, float]
    infos: Infos


def told_actions(
    actions: Mapping[str, Any],
    living: Collection[str],
    places: Mapping[str, int],
    num_actions: tuple[int, ...],
    code: TeamCode | None,
) -> tuple[list[bool], list[Any]]:
    """Return who acts, and how, as :class:`Turn` has them.

    Args:
        actions: by agent, as they were handed in.
        living: who may act.
        places: agent -> its place among the A.
        num_actions: of each of the A.
        code: of the team's actions, where these are not one choice per agent.

    Raises:
        InvalidValueError: for actions that are no dict, or one that the agent has not.
    """
    if not isinstance(actions, Mapping):
        raise InvalidValueError(f"actions must be a dict by agent, got {shown(actions)}")
    acted, chosen = [False] * len(places), [0] * len(places)
    if code is not None:
        acting = {places[agent]: (action, agent) for agent, action in actions.items() if agent in living}
        return [i in acting for i in range(len(acted))], code.read(acting).tolist()
    for agent, action in actions.items():
        if agent in living:
            i = places[agent]
            acted[i], chosen[i] = True, one_of(action, num_actions[i], agent)
    return acted, chosen
