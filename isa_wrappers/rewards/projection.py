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

    The common dimensions come first, in order, then the agent's special ones; agents with fewer are padded with
    zeros, so that one network serves all. G is ``|D_c| + max_i |D_(i-c)|``.

    Args:
        scope: whose D_i to project on, or credit made from it by another rule.
        device: ``None`` for NumPy, else a torch device.

    Attributes:
        credit: whose dimensions they are.

    Example:
        >>> scope = InfluenceScope.from_dimensions({"a": [[0, 2]], "b": [[1, 2]]}, state_size=3)
        >>> GoalProjection(scope)(np.array([10.0, 11.0, 12.0])).tolist()
        [[12.0, 10.0], [12.0, 11.0]]
    """

    def __init__(self, scope: InfluenceScope | Credit, device: str | None = None) -> None:
        credit = self.credit = as_credit(scope)
        self._state_size = credit.state_size
        self._rows = [credit.common_dims + special for special in credit.special_dims]
        self.size = max(len(row) for row in self._rows)
        dims = np.zeros((len(self._rows), self.size), dtype=np.int64)
        real = np.zeros((len(self._rows), self.size), dtype=np.float32)
        for i, row in enumerate(self._rows):
            dims[i, : len(row)], real[i, : len(row)] = row, 1.0
        xp = backend(device)
        self._dims, self._real = xp.asarray(dims, device=device), xp.asarray(real, device=device)

    def __call__(self, goal: Float[Array, "*batch dims"]) -> Float[Array, "*batch agents own"]:
        """Project ``goal`` ``[..., K]`` to ``[..., A, G]``.

        Raises:
            InvalidValueError: if it is of another length.
        """
        check_last("goal", goal, self._state_size)
        return goal[..., self._dims] * self._real

    @property
    def dims(self) -> list[list[int]]:
        """The dimensions of each agent's goal, padding left out."""
        return [list(row) for row in self._rows]

    def check_fits(self, credit: Credit) -> None:
        """Check that goals are shown in the dimensions that credit is given for.

        Raises:
            ScopeMismatchError: if an agent's dimensions differ.
        """
        shown = [sorted(row) for row in self._rows]
        if shown != credit.agent_dims:
            raise ScopeMismatchError(
                f"GoalSampling inside has another scope: it shows dimensions {shown}, the reward has "
                f"{credit.agent_dims}; give both the same one"
            )
