"""The influence scope: which state dimensions each agent's actions can move (Definitions 1 to 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.names import ActionNames, action_name, read_action_names, read_state_names
from isa_wrappers.checks import (
    LARGEST_STATE,
    check_agents,
    check_counts,
    check_dimensions,
    check_numbers,
    check_sequence,
)
from isa_wrappers.errors import (
    InvalidValueError,
    ScopeMismatchError,
    check_float,
    check_int,
    check_kind,
    check_name,
    shown,
)
from isa_wrappers.scope.definitions import Definitions, Threshold, checked_shares, read_only
from isa_wrappers.scope.evidence import Evidence
from isa_wrappers.scope.heat_map import heat_map_html


def _checked_delta(delta: Any, size: int) -> Threshold:
    """Return a number in [0, 1), or a read-only array of such numbers, ``[K]``."""
    if not isinstance(delta, list | tuple | np.ndarray):
        return check_float("delta", delta, 0.0, 1.0, below=True)
    delta = check_numbers("delta", delta)
    if np.shape(delta) != (size,):
        raise InvalidValueError(
            f"delta must be a number or have one for each of {size} dimensions, got shape {list(np.shape(delta))}"
        )
    return read_only(np.array([check_float("delta", value, 0.0, 1.0, below=True) for value in delta]))


@dataclass(frozen=True, eq=False)
class InfluenceScope(Definitions):
    """The scope of every agent, derived from the influence of each action on each dimension.

    ``I`` is an estimator's measure of influence between "agent i takes a" and the change of dimension k, in the paper
    the normalised mutual information (arXiv 2505.08630, Section 4):

    - ``D(a_i) = {k : I(ds_k; a_i | a_-i) > delta}`` (Def. 1) is :attr:`action_mask`;
    - ``D_i``, the union over the agent's actions (Def. 2), is :attr:`agent_mask`;
    - ``D_c``, the intersection over agents (Def. 3), is :attr:`common_mask`;
    - ``D_(i-c) = D_i - D_c`` is :attr:`special_mask`.

    Attributes:
        agents: names of the A agents, in order.
        influence: ``[A agents, n actions, K dimensions]`` in [0, 1]; 0 for actions that an agent does not have.
        delta: threshold in [0, 1): a number, or one for each dimension, ``[K]``.
        num_actions: number of actions of each agent.
        state_names: a name for each state dimension; empty if the task has none.
        action_names: a name for each action, or separate names for each agent; empty if the task has none.
        settings: settings of the estimate (task, transitions, bin width, ...), stored in the file.
        chance: largest influence with shuffled actions, in [0, 1]; ``None`` if actions were not shuffled.
        figure: name of the measure of influence.
        evidence: significance of the influence, if the estimator provides it.

    Raises:
        InvalidValueError: if the shapes do not match, ``delta`` is outside [0, 1) or ``chance`` outside [0, 1].

    Example:
        >>> scope = InfluenceScope.from_dimensions({"a": [[], [0, 2]], "b": [[], [1, 2]]}, state_size=3)
        >>> scope.common_dims, scope.special_dims
        ([2], [[0], [1]])
    """

    agents: tuple[str, ...]
    influence: npt.NDArray[np.float64]
    delta: Threshold
    num_actions: tuple[int, ...]
    state_names: tuple[str, ...] = ()
    action_names: ActionNames = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    chance: float | None = None
    figure: str = "normalised mutual information"
    evidence: Evidence | None = None

    def __post_init__(self) -> None:
        influence = check_numbers("influence", self.influence)
        object.__setattr__(self, "agents", check_agents(self.agents))
        object.__setattr__(self, "num_actions", check_counts("num_actions", self.num_actions))
        object.__setattr__(self, "state_names", read_state_names(self.state_names))
        object.__setattr__(self, "action_names", read_action_names(self.action_names, self.agents))
        object.__setattr__(self, "figure", check_name("figure", self.figure))
        check_kind("settings", self.settings, Mapping)
        if influence.ndim != 3 or influence.shape[0] != len(self.agents):
            raise InvalidValueError(
                f"influence must have shape [agents={len(self.agents)}, actions, dimensions], "
                f"got {list(influence.shape)}"
            )
        influence = checked_shares(influence, self.agents)
        if len(self.num_actions) != len(self.agents) or max(self.num_actions) > influence.shape[1]:
            raise InvalidValueError(
                f"num_actions must have one number for each of {len(self.agents)} agents, at most "
                f"{influence.shape[1]}, got {shown(list(self.num_actions))}"
            )
        if self.state_names and len(self.state_names) != influence.shape[2]:
            raise InvalidValueError(
                f"state_names must name {influence.shape[2]} dimensions, got {len(self.state_names)} names"
            )
        object.__setattr__(self, "delta", _checked_delta(self.delta, influence.shape[2]))
        if self.chance is not None:
            object.__setattr__(self, "chance", check_float("chance", self.chance, 0.0, 1.0))
        check_kind("evidence", self.evidence, Evidence, type(None))
        if self.evidence is not None and self.evidence.log_p.shape != influence.shape:
            raise InvalidValueError(
                f"evidence must have the shape of influence, {list(influence.shape)}, got "
                f"{list(self.evidence.log_p.shape)}"
            )
        object.__setattr__(self, "influence", read_only(influence))

    def _repr_html_(self) -> str:
        """Return a heat map for notebooks."""
        pairs = [(i, a) for i in range(len(self.agents)) for a in range(self.num_actions[i])]
        rows = [f"{self.agents[i]} {self.action_name(i, a)}" for i, a in pairs]
        columns = [self.dim_name(k) for k in range(self.influence.shape[2])]
        figures, inside = (np.stack([array[i, a] for i, a in pairs]) for array in (self.influence, self.action_mask))
        common = ", ".join(columns[k] for k in self.common_dims) or "nothing"
        caption = f"{self.figure}; outlined: in the scope, above {self.delta_text}; common: {common}"
        return heat_map_html(rows, columns, figures, inside, caption)

    @classmethod
    def from_dimensions(
        cls, dimensions: Mapping[str, Sequence[Sequence[int]]], state_size: int, delta: float = 0.0
    ) -> InfluenceScope:
        """Create a known scope from the dimensions that each action of each agent moves.

        Args:
            dimensions: agent name -> one list of dimensions per action.
            state_size: length of the state, K.
            delta: threshold of the scope; the given dimensions have influence 1, the others 0.

        Raises:
            InvalidValueError: if there is no agent or a dimension is outside [0, K).
        """
        check_kind("dimensions", dimensions, Mapping)
        size = check_int("state_size", state_size, 0, LARGEST_STATE)
        moved = {
            agent: [check_dimensions("dimension", dims, size) for dims in check_sequence("dimensions", actions)]
            for agent, actions in dimensions.items()
        }
        counts = tuple(len(actions) for actions in moved.values())
        influence = np.zeros((len(dimensions), max(counts, default=0), size))
        for i, actions in enumerate(moved.values()):
            for a, dims in enumerate(actions):
                influence[i, a, dims] = 1.0
        return cls(tuple(dimensions), influence, delta, counts)

    @classmethod
    def of_everything(
        cls,
        agents: Sequence[str],
        num_actions: Sequence[int],
        state_size: int,
        state_names: Sequence[str] = (),
        action_names: Any = (),
    ) -> InfluenceScope:
        """Create the scope in which every action moves every dimension, for runs without an estimate.

        Raises:
            InvalidValueError: if names or numbers are invalid, or there is not one number of actions per agent.

        Example:
            >>> InfluenceScope.of_everything(["a", "b"], [2, 3], state_size=2).common_dims
            [0, 1]
        """
        names = check_agents(agents)
        counts = check_counts("num_actions", num_actions, 1, LARGEST_STATE)
        if len(counts) != len(names):
            raise InvalidValueError(f"num_actions must have one number for each of {len(names)} agents, got {counts}")
        influence = np.zeros((len(names), max(counts), check_int("state_size", state_size, 0, LARGEST_STATE)))
        for i, count in enumerate(counts):
            influence[i, :count] = 1.0
        return cls(names, influence, 0.0, counts, read_state_names(state_names), read_action_names(action_names, names))

    def with_delta(self, delta: Threshold) -> InfluenceScope:
        """Return the scope of the same estimate with another threshold, a number or one for each dimension."""
        return replace(self, delta=delta)

    @property
    def num_agents(self) -> int:
        """Number of agents, A."""
        return len(self.agents)

    @property
    def state_size(self) -> int:
        """Number of state dimensions, K."""
        return int(self.influence.shape[2])

    @property
    def delta_text(self) -> str:
        """Delta as text: the number, or the range if it differs between dimensions."""
        least, largest = float(np.min(self.delta)), float(np.max(self.delta))
        return f"{least:g}" if least == largest else f"{least:g} to {largest:g}"

    def dim_name(self, dim: int) -> str:
        """Return the name of a dimension, or its number if it has none."""
        return self.state_names[dim] if self.state_names else str(dim)

    def action_name(self, agent: int, action: int) -> str:
        """Return the name of an agent's action, or its number if it has none."""
        return action_name(self.action_names, agent, action)

    def check_fits(self, agents: Sequence[str], num_actions: Sequence[int], state_size: int) -> None:
        """Check that the scope fits an environment with these sizes.

        Raises:
            ScopeMismatchError: if it does not; the message names the difference.
        """
        check_same_environment(self.agents, self.num_actions, self.state_size, agents, num_actions, state_size)


def check_same_environment(
    made_for: Sequence[str],
    their_actions: Sequence[int],
    their_size: int,
    agents: Sequence[str],
    num_actions: Sequence[int],
    state_size: int,
) -> None:
    """Check that a scope with the first three values fits an environment with the last three.

    Raises:
        ScopeMismatchError: if it does not; the message names the difference.
    """
    pairs = (
        ("agents", list(made_for), list(agents)),
        ("numbers of actions", list(their_actions), list(num_actions)),
        ("state size", their_size, state_size),
    )
    for name, scope_has, environment_has in pairs:
        if scope_has != environment_has:
            raise ScopeMismatchError(
                f"the scope was made for another environment: its {name} {scope_has}, here {environment_has}; estimate "
                "a scope for this environment, with the same source of the state"
            )
