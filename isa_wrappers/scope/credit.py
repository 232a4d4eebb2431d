"""Credit: which segments an agent is rewarded for, and when. A named rule derives it from a scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isa_wrappers.arrays import Array, array_device, namespace
from isa_wrappers.border.names import read_state_names
from isa_wrappers.checks import check_agents, check_counts, check_numbers
from isa_wrappers.errors import InvalidValueError, check_float, check_kind, check_name
from isa_wrappers.registry import Registry
from isa_wrappers.scope.definitions import BoolArray, dims_of, read_only
from isa_wrappers.scope.influence import InfluenceScope, check_same_environment


@dataclass(frozen=True, eq=False)
class Credit:
    """The input of Eq. 7 and Eq. 10: the common segment, each agent's special segment, and the gate.

    Attributes:
        common: whether dimension k is in the common segment, ``[K]`` bool.
        special: whether dimension k is in the special segment of agent i, ``[A, K]`` bool.
        gate: whether agent i is credited for the common segment when it takes action a, ``[A, n]`` bool.
        agents: names of the A agents, in order.
        num_actions: number of actions of each agent.
        special_weight: weight of the special segments that replaces alpha1 and beta1; ``None`` keeps those.
        state_names: a name for each dimension, or empty.

    Raises:
        InvalidValueError: if the shapes do not match or the weight is negative.

    Example:
        >>> scope = InfluenceScope.from_dimensions({"a": [[], [0, 2]], "b": [[2], [1, 2]]}, state_size=3)
        >>> credit = credit_for(scope)
        >>> credit.common_dims, credit.special_dims, credit.gate.tolist()
        ([2], [[0], [1]], [[False, True], [True, True]])
    """

    common: BoolArray
    special: BoolArray
    gate: BoolArray
    agents: tuple[str, ...]
    num_actions: tuple[int, ...]
    special_weight: float | None = None
    state_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("common", "special", "gate"):
            object.__setattr__(self, name, read_only(np.array(check_numbers(name, getattr(self, name)), dtype=bool)))
        object.__setattr__(self, "agents", check_agents(self.agents))
        object.__setattr__(self, "num_actions", check_counts("num_actions", self.num_actions))
        object.__setattr__(self, "state_names", read_state_names(self.state_names))
        team, size = len(self.agents), self.common.size
        shapes = [list(array.shape) for array in (self.common, self.special, self.gate)]
        most = max(self.num_actions, default=0)
        if shapes[:2] != [[size], [team, size]] or len(shapes[2]) != 2 or shapes[2][0] != team or shapes[2][1] < most:
            raise InvalidValueError(
                f"credit of {team} agents with up to {most} actions needs common [{size}], special [{team}, {size}] "
                f"and gate [{team}, {most}], got {shapes[0]}, {shapes[1]} and {shapes[2]}"
            )
        if self.special_weight is not None:
            weight = check_float("special_weight", self.special_weight, 0.0)
            object.__setattr__(self, "special_weight", weight)

    @property
    def num_agents(self) -> int:
        """Number of agents, A."""
        return len(self.agents)

    @property
    def state_size(self) -> int:
        """Number of state dimensions, K."""
        return int(self.common.size)

    @cached_property
    def segments(self) -> BoolArray:
        """The common segment, then the special segment of each agent, ``[1 + A, K]``."""
        return read_only(np.concatenate([self.common[None], self.special]))

    @cached_property
    def agent_mask(self) -> BoolArray:
        """Dimensions of each agent's goal, common and special, ``[A, K]``."""
        return read_only(self.special | self.common)

    @property
    def common_dims(self) -> list[int]:
        """Common segment as a list of dimensions."""
        return dims_of(self.common)

    @property
    def special_dims(self) -> list[list[int]]:
        """Special segments as one list per agent."""
        return [dims_of(row) for row in self.special]

    def pursued(self, goal: Array) -> Array:
        """Return a goal ``[..., K]`` with NaN in the dimensions that no agent is credited for.

        Example:
            >>> scope = InfluenceScope.from_dimensions({"a": [[], [0]]}, state_size=2)
            >>> credit_for(scope).pursued(np.ones(2)).tolist()
            [1.0, nan]
        """
        xp, moved = namespace(goal), self.segments.any(axis=0)
        return xp.where(xp.asarray(moved, device=array_device(goal)), goal, xp.nan)

    @property
    def segment_dims(self) -> list[list[int]]:
        """Rows of :attr:`segments` as lists: the common segment, then the special segment of each agent."""
        return [self.common_dims, *self.special_dims]

    @property
    def agent_dims(self) -> list[list[int]]:
        """Dimensions of each agent's goal, in order."""
        return [dims_of(row) for row in self.agent_mask]

    def check_fits(self, agents: Sequence[str], num_actions: Sequence[int], state_size: int) -> None:
        """Check that the credit fits an environment with these sizes.

        Raises:
            ScopeMismatchError: if it does not; the message names the difference.
        """
        check_same_environment(self.agents, self.num_actions, self.state_size, agents, num_actions, state_size)


@dataclass(frozen=True)
class CreditRule:
    """Registry entry of a rule that derives credit from a scope.

    Attributes:
        make: scope -> credit.
        description: one line for lists.
        needs_scope: whether the rule needs an estimated scope; False if it uses only the sizes, so that
            :meth:`InfluenceScope.of_everything` is sufficient.
    """

    make: Callable[[InfluenceScope], Credit]
    description: str
    needs_scope: bool = True


CREDIT_RULES: Registry[CreditRule] = Registry(
    "credit rule",
    "isa_marl.credit_rules",
    {
        "scope": "isa_wrappers.scope.credit_rules:SCOPE",
        "ungated": "isa_wrappers.scope.credit_rules:UNGATED",
        "unsegmented": "isa_wrappers.scope.credit_rules:UNSEGMENTED",
        "common_only": "isa_wrappers.scope.credit_rules:COMMON_ONLY",
        "special_only": "isa_wrappers.scope.credit_rules:SPECIAL_ONLY",
        "misplaced": "isa_wrappers.scope.credit_rules:MISPLACED",
        "whole_state": "isa_wrappers.scope.credit_rules:WHOLE_STATE",
    },
    CreditRule,
)
"""The credit rules by name; add others with entry points or :meth:`Registry.register`."""


@dataclass(frozen=True)
class CreditConfig:
    """How credit is computed from a scope.

    Attributes:
        rule: name of the credit rule in ``isa_wrappers.CREDIT_RULES``. ``scope`` is the paper's rule.

    Raises:
        UnknownNameError: if there is no such rule; the nearest is offered.
    """

    rule: str = "scope"

    def __post_init__(self) -> None:
        CREDIT_RULES[check_name("rule", self.rule)]


def credit_for(scope: InfluenceScope, rule: str = "scope") -> Credit:
    """Derive credit from a scope with a named rule.

    Raises:
        UnknownNameError: if there is no such rule; the message names the closest one.

    Example:
        >>> scope = InfluenceScope.from_dimensions({"a": [[], [0]], "b": [[], [1]]}, state_size=3)
        >>> credit_for(scope, "unsegmented").special_dims, credit_for(scope, "whole_state").common_dims
        ([[0], [1]], [0, 1, 2])
    """
    check_kind("scope", scope, InfluenceScope)
    return CREDIT_RULES[rule].make(scope)


def as_credit(scope: InfluenceScope | Credit) -> Credit:
    """Return credit unchanged, or derive the paper's credit from a scope.

    Raises:
        InvalidValueError: if it is neither.
    """
    check_kind("scope", scope, InfluenceScope, Credit)
    return scope if isinstance(scope, Credit) else CREDIT_RULES["scope"].make(scope)
