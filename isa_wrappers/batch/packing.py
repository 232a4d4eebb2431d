"""Convert between dicts by agent and rows of a batch: observations, masks, living agents and actions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.actions import ActionCode
from isa_wrappers.border.border import Border
from isa_wrappers.border.names import ActionNames
from isa_wrappers.border.observations import check_narrow
from isa_wrappers.border.spaces import flat_vector
from isa_wrappers.border.team_actions import TeamCode
from isa_wrappers.errors import UnsupportedEnvironmentError, shown

ALIKE = (
    "agents",
    "num_actions",
    "actions",
    "lengths of observations",
    "the state's length",
    "state_names",
    "action_names",
)
"""Names, in messages, of the properties that copies of an environment share."""
Row = dict[str, npt.NDArray[Any]]
"""One copy's part of a :class:`~isa_wrappers.batch.BatchStep` by field name, including ``discarded``."""


@dataclass(frozen=True)
class CopySpec:
    """The properties that a batch needs to know of its copies, which are all alike.

    Attributes:
        agents: the A possible agents.
        num_actions: number of elementary actions of each agent.
        obs_size: length of the longest flat observation, O.
        state_size: length of the state, K.
        state_names: a name for each dimension of the state, or empty.
        action_names: a name for each action, or separate names for each agent, or empty.
        horizon: steps until truncation, 0 if unknown.
        action_code: encoding of structured actions; ``None`` if all are ``Discrete``.
        obs_sizes: length of each agent's flat observation.
    """

    agents: tuple[str, ...]
    num_actions: tuple[int, ...]
    obs_size: int
    state_size: int
    state_names: tuple[str, ...]
    action_names: ActionNames
    horizon: int
    action_code: TeamCode | None = None
    obs_sizes: tuple[int, ...] = ()

    def check_alike(self, other: CopySpec) -> None:
        """Check that another copy has the same properties.

        Raises:
            UnsupportedEnvironmentError: if it does not; the message names the difference.
        """
        for name, own, others in zip(ALIKE, self._compared(), other._compared(), strict=True):
            if others != own:
                raise UnsupportedEnvironmentError(
                    f"copies of an environment must be alike: {name} of one are {shown(list(others))}, of the first "
                    f"{shown(list(own))}"
                )

    def _compared(self) -> tuple[tuple[Any, ...], ...]:
        """Return the properties that copies share, in the order of :data:`ALIKE`."""
        codes = () if self.action_code is None else tuple(map(_described, self.action_code.codes))
        actions = codes or ("Discrete",) * len(self.agents)
        sizes = self.obs_sizes, (self.state_size,)
        return self.agents, self.num_actions, actions, *sizes, self.state_names, self.action_names


def _described(code: ActionCode) -> str:
    """Describe an action space.

    Example:
        >>> from gymnasium import spaces
        >>> _described(ActionCode.of(spaces.MultiDiscrete([2, 3], start=[0, 1]), "crane"))
        'MultiDiscrete (2,) int64 of 0..1, 1..3'
    """
    if code.kind == "Discrete":  # the number of actions is sufficient
        return code.kind
    parts = zip(code.components, code.start or (0,) * len(code.components), strict=True)
    ranges = (
        f"{component.low}..{component.low + component.width}"
        if component.is_range
        else f"{first}..{first + component.parts - 1}"
        for component, first in parts
    )
    return f"{code.kind} {code.shape} {code.dtype} of {', '.join(ranges)}"


class Packer:
    """Converts results of an environment to arrays, and actions to the environment's format.

    Args:
        border: border that has checked the results and knows the living agents.
        spec: spec of the environment.
    """

    def __init__(self, border: Border, spec: CopySpec) -> None:
        self.border = border
        self.spec = spec
        self._idle = None if spec.action_code is None else spec.action_code.idle()
        self._obs: npt.NDArray[np.float32] = np.zeros((len(spec.agents), spec.obs_size), dtype=np.float32)

    def observe(self, observations: Mapping[str, Any], acted: Collection[str] = ()) -> Row:
        """Return ``obs`` ``[A, O]``, ``available`` ``[A, n]`` and ``alive`` ``[A]``.

        Args:
            observations: observations by agent; missing agents observe zeros.
            acted: agents that acted in the step; without a new observation, they keep the previous one.
        """
        spec, border = self.spec, self.border
        team, n = len(spec.agents), max(spec.num_actions)
        row: Row = {
            "obs": np.zeros((team, spec.obs_size), dtype=np.float32),
            "available": np.zeros((team, n), dtype=bool),
            "alive": np.zeros(team, dtype=bool),
        }
        living = border.living
        for i, agent in enumerate(spec.agents):
            if agent in living:
                row["alive"][i] = True
                row["available"][i, : spec.num_actions[i]] = border.masks.get(agent, True)
            elif self._idle is None:
                row["available"][i, 0] = True
            else:
                row["available"][i] = self._idle[i]
            obs = observations.get(agent)
            if obs is not None and (agent in living or agent in acted):
                flat = flat_vector(border.spaces[agent], obs)
                row["obs"][i, : len(flat)] = flat
            elif agent in acted:
                row["obs"][i] = self._obs[i]
        self._obs = packed = row["obs"]
        if not isfinite(np.vdot(packed, packed)):  # faster than checking each agent
            self._check_narrow(observations)
        return row

    def _check_narrow(self, observations: Mapping[str, Any]) -> None:
        for agent, obs in observations.items():
            if agent in self.border.spaces:
                check_narrow(flat_vector(self.border.spaces[agent], obs), agent, self.border.steps)

    def native_actions(self, actions: Sequence[Any]) -> dict[str, Any]:
        """Return the actions of the living agents in the format of the environment's ``step``."""
        agents = self.spec.agents
        acting = self.border.living
        code = self.spec.action_code
        if code is None:
            return {agent: int(action) for agent, action in zip(agents, actions, strict=True) if agent in acting}
        agent_actions = zip(agents, code.codes, actions, strict=True)
        return {agent: agent_code.native(vector) for agent, agent_code, vector in agent_actions if agent in acting}
