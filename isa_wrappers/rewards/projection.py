"""The projection of a goal onto each agent's own dimensions."""

from __future__ import annotations

import numpy as np

from isa_wrappers.arrays import Array, backend
from isa_wrappers.axes import Float
from isa_wrappers.checks import check_last
from isa_wrappers.errors import ScopeMismatchError
from isa_wrappers.scope.credit import Credit, as_credit
from isa_wrappers.scope.influence import InfluenceScope


class GoalProjection:
    """Restricts a goal to each agent's dimensions: ``g_i = s_g`` on D_i, as ``[..., A, G]``.

    The common dimensions come first, in order, then the agent's special ones. Shorter goals are padded with zeros, so
    that all agents can share one network. G is ``|D_c| + max_i |D_(i-c)|``.

    Args:
        scope: scope with the dimensions D_i, or credit made from it by another rule.
        device: ``None`` for NumPy, else a torch device.

    Attributes:
        credit: credit with these dimensions.

    Example:
        >>> scope = InfluenceScope.from_dimensions({"a": [[0, 2]], "b": [[1, 2]]}, state_size=3)
        >>> GoalProjection(scope)(np.array([10.0, 11.0, 12.0])).tolist()
        [[12.0, 10.0], [12.0, 11.0]]
    """

    def __init__(self, scope: InfluenceScope | Credit, device: str | None = None) -> None:
        credit = self.credit = as_credit(scope)
        self._state_size = credit.state_size
        self._agent_dims = [credit.common_dims + special for special in credit.special_dims]
        self.size = max(len(agent_dims) for agent_dims in self._agent_dims)
        dims = np.zeros((len(self._agent_dims), self.size), dtype=np.int64)
        is_own = np.zeros((len(self._agent_dims), self.size), dtype=np.float32)
        for i, agent_dims in enumerate(self._agent_dims):
            dims[i, : len(agent_dims)] = agent_dims
            is_own[i, : len(agent_dims)] = 1.0
        xp = backend(device)
        self._dims = xp.asarray(dims, device=device)
        self._is_own = xp.asarray(is_own, device=device)

    def __call__(self, goal: Float[Array, "*batch dims"]) -> Float[Array, "*batch agents own"]:
        """Project ``goal`` ``[..., K]`` to ``[..., A, G]``.

        Raises:
            InvalidValueError: if it has the wrong length.
        """
        check_last("goal", goal, self._state_size)
        return goal[..., self._dims] * self._is_own

    @property
    def dims(self) -> list[list[int]]:
        """Dimensions of each agent's goal, without padding."""
        return [list(row) for row in self._agent_dims]

    def check_fits(self, credit: Credit) -> None:
        """Check that goals have the dimensions of the given credit.

        Raises:
            ScopeMismatchError: if an agent's dimensions differ.
        """
        goal_dims = [sorted(row) for row in self._agent_dims]
        if goal_dims != credit.agent_dims:
            raise ScopeMismatchError(
                f"the inner GoalSampling has another scope: it shows dimensions {goal_dims}, but the reward has "
                f"{credit.agent_dims}; pass the same scope to both"
            )
