"""What changed beyond what the state and the teammates' actions tell: one least-squares fit for a whole team."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

RIDGE = 1e-6
"""Of a column's own square: keeps columns that tell the same apart."""
PER_COLUMN = 3
"""Transitions that a fit needs for each of its columns."""
BLOCK = 4_096
"""Rows of the design matrix that exist at once."""
Floats = npt.NDArray[np.float64]


class TeamFit:
    r"""Least squares of the changes on the state and everybody's actions, and what is left of it without one agent.

    With ``X = [1, s, one-hot actions]``, ``G = (X'X + ridge)^-1`` and ``b = G X'Y``, the fit that knows nothing of
    agent i's actions (columns I) is a correction of the one that knows them all:
    ``b_without_i = b - G[:, I] G[I, I]^-1 b[I]``. So one inverse serves the whole team, and what
    :meth:`without` returns is exactly what a fit on the state and the *other* agents' actions leaves. It depends on
    agent i's action by the change alone: where that action moves nothing, it tells nothing of what is left.

    Where transitions are too few for all columns, actions are left out; then the state, and :attr:`usable` is False.

    Args:
        states: ``[N, K]``.
        changes: ``[N, D]`` to explain.
        actions: ``[N, A]`` integers from 0; -1 where an agent did not act.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> actions = rng.integers(2, size=(200, 2))
        >>> changes = actions @ np.array([[1.0], [5.0]])
        >>> left = TeamFit(rng.random((200, 1)), changes, actions).without(0)(slice(None))[:, 0]
        >>> round(float(left[actions[:, 0] == 1].mean() - left[actions[:, 0] == 0].mean()), 1)
        1.0
    """

    def __init__(self, states: npt.NDArray[Any], changes: Floats, actions: npt.NDArray[np.int64]) -> None:
        self._changes = changes
        mean, spread = states.mean(axis=0, dtype=np.float64), states.std(axis=0, dtype=np.float64)
        moving = np.flatnonzero(spread > 1e-12 * np.maximum(1.0, np.abs(mean)))
        self._states = (states[:, moving] - mean[moving]) / spread[moving]
        length, first = len(states), 1 + len(moving)
        columns = [_levels(actions[:, i]) for i in range(actions.shape[1])]
        with_actions = PER_COLUMN * (first + sum(len(levels) for levels in columns)) <= length
        columns = columns if with_actions else [levels[:0] for levels in columns]
        ends = first + np.cumsum([0, *(len(levels) for levels in columns)])
        self._own = [slice(int(begin), int(end)) for begin, end in pairwise(ends)]
        # The column that holds each action's 1; one past the last where it has none.
        places = [_places(actions[:, i], columns[i], int(ends[i]), int(ends[-1])) for i in range(len(columns))]
        self._places = np.stack(places, axis=1)
        self.usable = PER_COLUMN * first <= length
        if self.usable:
            self._solve(int(ends[-1]))

    def _solve(self, size: int) -> None:
        gram, moments = np.zeros((size, size)), np.zeros((size, self._changes.shape[1]))
        for rows in self._blocks():
            design = self._design(rows, size)
            gram += design.T @ design
            moments += design.T @ self._changes[rows]
        gram[np.diag_indices(size)] *= 1.0 + RIDGE
        self._inverse = np.linalg.inv(gram)
        self._weights = self._inverse @ moments
        self._left = np.empty_like(self._changes)
        for rows in self._blocks():
            self._left[rows] = self._changes[rows] - self._design(rows, size) @ self._weights

    def without(self, i: int) -> Callable[[slice], Floats]:
        """Return what gives, for some dimensions, ``[N, d]``: changes less what state and agent i's teammates tell."""
        own = self._own[i]
        if own.start == own.stop:
            return lambda dims: self._left[:, dims]
        excess = self._excess(own)
        return lambda dims: self._left[:, dims] + excess @ self._weights[own, dims]

    def _excess(self, own: slice) -> Floats:
        """Return ``[N, m]``: an agent's own columns less what all other columns tell of them."""
        mixed = self._inverse[:, own] @ np.linalg.inv(self._inverse[own, own])
        mixed[own] = np.eye(own.stop - own.start)  # to the last bit: a trace of the action itself would part equals
        excess: Floats = self._states @ mixed[1 : 1 + self._states.shape[1]] + mixed[0]
        mixed = np.concatenate([mixed, np.zeros((1, mixed.shape[1]))])
        for place in self._places.T:
            excess += mixed[place]
        return excess

    def _blocks(self) -> list[slice]:
        return [slice(start, start + BLOCK) for start in range(0, len(self._states), BLOCK)]

    def _design(self, rows: slice, size: int) -> Floats:
        """Return rows of ``X``."""
        states, places = self._states[rows], self._places[rows]
        design = np.zeros((len(states), size + 1))
        design[:, 0] = 1.0
        design[:, 1 : 1 + states.shape[1]] = states
        design[np.arange(len(states))[:, None], places] = 1.0
        return np.ascontiguousarray(design[:, :size])


def _levels(actions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the actions that get a column: all that occur but the first, which the others tell."""
    return np.unique(actions)[1:]


def _places(
    actions: npt.NDArray[np.int64], levels: npt.NDArray[np.int64], begin: int, none: int
) -> npt.NDArray[np.int64]:
    """Return ``[N]``: the column of each action, ``none`` where it has no column."""
    if not len(levels):
        return np.full(len(actions), none)
    at = np.minimum(np.searchsorted(levels, actions), len(levels) - 1)
    return np.where(levels[at] == actions, begin + at, none)
