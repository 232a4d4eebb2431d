"""Residuals of changes after a fit on the state and the teammates' actions: one least-squares fit for a whole team."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, array_device, namespace
from isa_wrappers.scope.backends import contiguous, to_device_of

RIDGE = 1e-6
"""Ridge factor, relative to a column's square: regularises collinear columns."""
PER_COLUMN = 3
"""Minimum number of transitions per column of a fit."""
BLOCK = 4_096
"""Number of rows of the design matrix built at once."""
HUGE = 1e100
"""Larger states are scaled down to 1."""
Floats = npt.NDArray[np.float64]


class TeamFit:
    r"""Least-squares fit of the changes on the state and all agents' actions, with residuals that leave out one agent.

    With ``X = [1, s, one-hot actions]``, ``G = (X'X + ridge)^-1`` and ``b = G X'Y``, the fit without agent i's actions
    (columns I) is a correction of the full fit: ``b_without_i = b - G[:, I] G[I, I]^-1 b[I]``. One inverse thus serves
    the whole team, and :meth:`without` returns exactly the residuals of a fit on the state and the *other* agents'
    actions. They depend on agent i's action only through the change: if the action moves nothing, it carries no
    information about the residuals.

    If there are too few transitions for all columns, actions are left out first, then the state, and :attr:`usable` is
    False.

    Args:
        states: states, ``[N, K]``.
        changes: changes to explain, ``[N, D]``, on NumPy or torch; the fit runs on their device.
        actions: integers from 0, or -1 if an agent did not act, ``[N, A]``.
        amounts: index of each range component -> its values, ``[N]``; the fit uses them and their squares.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> actions = rng.integers(2, size=(200, 2))
        >>> changes = actions @ np.array([[1.0], [5.0]])
        >>> residuals = TeamFit(rng.random((200, 1)), changes, actions).without(0)(slice(None))[:, 0]
        >>> round(float(residuals[actions[:, 0] == 1].mean() - residuals[actions[:, 0] == 0].mean()), 1)
        1.0
    """

    def __init__(
        self,
        states: npt.NDArray[Any],
        changes: Array,
        actions: npt.NDArray[np.int64],
        amounts: Mapping[int, Floats] | None = None,
    ) -> None:
        self._changes = changes
        largest = np.abs(states).max(axis=0, initial=0.0).astype(np.float64)
        if (largest > HUGE).any():  # their squares overflow float64
            states = states / np.where(largest > HUGE, largest, 1.0)
        mean, spread = states.mean(axis=0, dtype=np.float64), states.std(axis=0, dtype=np.float64)
        varying = np.flatnonzero(spread > 1e-12 * np.maximum(1.0, np.abs(mean)))
        features = (states[:, varying] - mean[varying]) / spread[varying]
        length, amounts, first = len(states), amounts or {}, 1 + len(varying)
        columns = [_levels(actions[:, i], i in amounts) for i in range(actions.shape[1])]
        if PER_COLUMN * (first + 2 * len(amounts) + sum(len(levels) for levels in columns)) > length:
            columns, amounts = [levels[:0] for levels in columns], {}
        curves = {i: slice(begin, begin + 2) for i, begin in zip(amounts, range(first, length, 2), strict=False)}
        if curves:
            features = np.column_stack([features, *(part for x in amounts.values() for part in (x, x**2))])
        first += 2 * len(curves)
        ends = first + np.cumsum([0, *(len(levels) for levels in columns)])
        self._agent_columns = [curves.get(i, slice(int(ends[i]), int(ends[i + 1]))) for i in range(len(columns))]
        # The column with each action's 1; one past the last if it has none.
        one_hot = [_column_indices(actions[:, i], columns[i], int(ends[i]), int(ends[-1])) for i in range(len(columns))]
        self._features = to_device_of(changes, features)
        self._action_columns = to_device_of(changes, np.stack(one_hot, axis=1))
        self.usable = PER_COLUMN * first <= length
        if self.usable:
            self._solve(int(ends[-1]))

    def _solve(self, size: int) -> None:
        xp = namespace(self._changes)
        gram, moments = self._zeros(size, size), self._zeros(size, self._changes.shape[1])
        for rows in self._blocks():
            design = self._design(rows, size)
            gram += design.T @ design
            moments += design.T @ self._changes[rows]
        gram.reshape(-1)[:: size + 1] *= 1.0 + RIDGE
        self._inverse = xp.linalg.inv(gram)
        self._weights = self._inverse @ moments
        self._residuals = xp.empty_like(self._changes)
        for rows in self._blocks():
            self._residuals[rows] = self._changes[rows] - self._design(rows, size) @ self._weights

    def without(self, *which: int) -> Callable[[slice], Array]:
        """Return a function of dimensions that gives the residuals of the fit without these actions, ``[N, d]``."""
        parts = [self._agent_columns[i] for i in which]
        columns = parts[0] if len(parts) == 1 else np.concatenate([np.arange(part.start, part.stop) for part in parts])
        if not sum(part.stop - part.start for part in parts):
            return lambda dims: self._residuals[:, dims]
        excess, weights = self._excess(columns), self._weights[columns]
        return lambda dims: self._residuals[:, dims] + excess @ weights[:, dims]

    def _excess(self, columns: Any) -> Array:
        """Return the residuals of some columns after a fit on all others, ``[N, m]``."""
        xp = namespace(self._inverse)
        inner = self._inverse[columns][:, columns]
        mixed = self._inverse[:, columns] @ xp.linalg.inv(inner)
        # Exactly the identity: rounding errors in the action's own columns would separate equal values.
        mixed[columns] = xp.eye(len(inner), dtype=xp.float64, device=array_device(inner))
        excess = self._features @ mixed[1 : 1 + self._features.shape[1]] + mixed[0]
        mixed = xp.concat([mixed, self._zeros(1, mixed.shape[1])])
        for column in self._action_columns.T:
            excess += mixed[column]
        return excess

    def _zeros(self, *shape: int) -> Array:
        xp = namespace(self._changes)
        return xp.zeros(shape, dtype=xp.float64, device=array_device(self._changes))

    def _blocks(self) -> list[slice]:
        return [slice(start, start + BLOCK) for start in range(0, len(self._features), BLOCK)]

    def _design(self, rows: slice, size: int) -> Array:
        """Return rows of ``X``."""
        features, action_columns, xp = self._features[rows], self._action_columns[rows], namespace(self._features)
        design = self._zeros(len(features), size + 1)
        design[:, 0] = 1.0
        design[:, 1 : 1 + features.shape[1]] = features
        design[xp.arange(len(features), device=array_device(action_columns))[:, None], action_columns] = 1.0
        return contiguous(design[:, :size])


def _levels(actions: npt.NDArray[np.int64], is_range: bool) -> npt.NDArray[np.int64]:
    """Return the actions that get a column: all that occur except the first, which is redundant; none of a range."""
    return np.unique(actions)[1 : 1 if is_range else None]


def _column_indices(
    actions: npt.NDArray[np.int64], levels: npt.NDArray[np.int64], begin: int, no_column: int
) -> npt.NDArray[np.int64]:
    """Return the column of each action, or ``no_column`` if it has no column, ``[N]``."""
    if not len(levels):
        return np.full(len(actions), no_column)
    index = np.minimum(np.searchsorted(levels, actions), len(levels) - 1)
    return np.where(levels[index] == actions, begin + index, no_column)
