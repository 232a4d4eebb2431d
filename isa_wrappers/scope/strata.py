"""The interval effect within strata of single state dimensions, for effects in rarely visited states."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from isa_wrappers.scope.comparisons import Levels
from isa_wrappers.scope.definitions import BoolArray
from isa_wrappers.scope.differences import Floats, Integers
from isa_wrappers.scope.estimators import Figures
from isa_wrappers.scope.interval_effect import IntervalEffect, agent_effects, is_relevant, significance
from isa_wrappers.scope.ranks import groups_of
from isa_wrappers.scope.residuals import TeamFit
from isa_wrappers.scope.screening import Screen
from isa_wrappers.scope.windows import Window

MOST_VALUES = 24
"""Up to this number of values, each value of a dimension is a stratum; otherwise, groups of similar size are."""
GROUPS = 8
FEWEST = 60
"""Minimum number of transitions of an agent in a stratum."""
DEEPER = 2
"""Number of strata to divide once more if a dimension is moved significantly, but in too few of their steps."""


def partitions(states: npt.NDArray[np.floating]) -> list[Integers]:
    """Return the distinct partitions of states ``[N, K]`` by single dimensions: the group of every row, ``[N]`` each.

    Rows in groups that are too small, or that contain all rows, have group -1.

    Example:
        >>> states = np.repeat([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]], [70, 60, 10], axis=0)
        >>> [np.unique(group, return_counts=True)[1].tolist() for group in partitions(states)]
        [[10, 70, 60]]
    """
    by_content: dict[bytes, Integers] = {}
    for column in states.T:
        group = groups_of(column, MOST_VALUES, GROUPS)
        sizes = np.bincount(group, minlength=1)
        kept = (sizes >= FEWEST) & (sizes < len(states))
        group = np.where(kept, np.cumsum(kept) - 1, -1)[group]
        if kept.any():
            by_content.setdefault(group.tobytes(), group)
    return list(by_content.values())


def effects_in_strata(
    window: Window, wanted: BoolArray | None = None, theta: float = IntervalEffect.delta, looks: int = 1
) -> Figures:
    r"""Return the largest interval effect over all counted transitions and over each stratum of them, ``[A, n, K]``.

    A stratum contains the transitions with one value of a dimension (of at most 24), or in one of eight groups of it.
    If an agent is in a room in 7 of 100 steps, an action that works only there moves something in at most 7 of 100
    steps on average, but within the stratum of the room it always does. A door that opens only for an agent that stands
    in front of it and faces it is moved in few steps of any such stratum. If this is significant, the strata in which
    it is moved most are divided by a second dimension.

    The significance levels hold for all agents, dimensions and strata together, and for all estimates over time:
    ``0.05 / (j (j + 1))`` for the j-th estimate, which sums to 0.05. An agent that moves a dimension by less than a
    hundredth of the strongest agent's shift does not count for it, in any stratum.

    Args:
        window: changes over one step; only those marked in ``window.counts`` are compared. Their actions must be drawn
            uniformly among the available ones, independently of the state.
        wanted: dimensions to examine within strata, ``[A, K]`` bool; by default all.
        theta: fraction of the largest effect from which two actions count as different.
        looks: number of this estimate in a series on the same or earlier transitions, j, from 1.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> place, push = rng.integers(12, size=2_000), rng.integers(2, size=(2_000, 1))  # opens only at the 12th
        >>> states = np.stack([place, 0 * place], axis=1).astype(np.float32)
        >>> opened = (push * (place[:, None] == 11)).astype(np.float64)
        >>> always = np.ones((2_000, 1), dtype=bool)
        >>> every = np.ones((2_000, 1, 2), dtype=bool)
        >>> seen = Window(states, opened, np.array([1]), np.full((2, 1), 1e-6), push, every, always)
        >>> effects_in_strata(seen).round(1).tolist()
        [[[0.0, 0.0], [0.0, 1.0]]]
    """
    agents, number = window.available.shape[1:]
    size = window.states.shape[1]
    effects, shifts = np.zeros((agents, number, size)), np.zeros((agents, number, size))
    if not len(window.changes) or not len(window.dims):
        return effects
    wanted = np.ones((agents, size), dtype=bool) if wanted is None else wanted
    fit = TeamFit(window.states, window.changes, window.actions)
    agent_rows = [np.flatnonzero(window.counts[:, i]) for i in range(agents)]
    agent_partitions = [partitions(window.states[rows]) for rows in agent_rows]
    strata = [sum(int(group.max()) + 1 for group in groups) for groups in agent_partitions]
    num_cells = [count * int(row.sum()) for count, row in zip(strata, wanted, strict=True)]
    inner_tests = sum(count * cells for count, cells in zip(strata, num_cells, strict=True))
    num_corrections = 2 * looks * (looks + 1)  # half of the level is for strata, half for divided ones
    levels, inner_levels = (
        significance(max(tests, 1) * num_corrections, number, fit.usable)
        for tests in (agents * size + sum(num_cells), inner_tests)
    )

    def examine(i: int) -> None:
        residuals = fit.without(i)(slice(None))[agent_rows[i]] if fit.usable else None
        agent = _Agent(_agent_window(window, i, agent_rows[i]), residuals, theta, effects[i], shifts[i])
        agent.examine(np.arange(len(agent_rows[i])), np.flatnonzero(agent.window.changes.any(axis=0)), levels)
        agent.examine_strata(np.flatnonzero(wanted[i][window.dims]), agent_partitions[i], levels, inner_levels)

    with ThreadPoolExecutor(min(agents, os.cpu_count() or 1)) as pool:
        list(pool.map(examine, range(agents)))
    largest = shifts.max(axis=1)
    return np.where(is_relevant(largest, largest.max(axis=0))[:, None], effects, 0.0)


@dataclass(frozen=True)
class _Agent:
    """One agent's transitions and the effects found in them.

    Attributes:
        window: transitions that count for the agent, as a team of one.
        residuals: residuals of a fit, ``[N, D]``; ``None`` without a fit.
        theta: fraction of the largest effect from which two actions count as different.
        effects: largest effects so far, ``[n, K]``.
        shifts: largest shifts so far, ``[n, K]``.
    """

    window: Window
    residuals: Floats | None
    theta: float
    effects: Floats
    shifts: Floats

    def examine(self, rows: Integers, dims: Integers, levels: Levels) -> Floats:
        """Compare actions in some rows and dimensions; return the largest effect on each dimension, ``[d]``."""
        part = _part(self.window, rows, dims)
        found_effects, found_shifts = agent_effects(part, 0, _rest(self.residuals, rows, dims), levels, self.theta)
        self.effects[:, part.dims] = np.maximum(self.effects[:, part.dims], found_effects)
        self.shifts[:, part.dims] = np.maximum(self.shifts[:, part.dims], found_shifts)
        return np.asarray(found_effects.max(axis=0))

    def examine_strata(self, dims: Integers, groupings: list[Integers], levels: Levels, inner_levels: Levels) -> None:
        """Examine strata; if a dimension is moved significantly but seldom, divide the strata with most effect."""
        weak: dict[int, list[tuple[float, int, Integers]]] = {}
        for rows, tested in self._candidate_strata(dims, np.arange(len(self.window.changes)), groupings, levels):
            for dim, effect in zip(tested.tolist(), self.examine(rows, tested, levels).tolist(), strict=True):
                if 0.0 < effect <= self.theta:
                    weak.setdefault(dim, []).append((effect, len(weak.get(dim, ())), rows))
        for dim, strata in weak.items():
            for _, _, outer in sorted(strata)[: -1 - DEEPER : -1]:
                if self.effects[:, self.window.dims[dim]].max() > self.theta:
                    break
                inner = partitions(self.window.states[outer])
                for rows, tested in self._candidate_strata(np.array([dim]), outer, inner, inner_levels):
                    self.examine(rows, tested, inner_levels)

    def _candidate_strata(
        self, dims: Integers, subset: Integers, groupings: list[Integers], levels: Levels
    ) -> Iterator[tuple[Integers, Integers]]:
        """Yield the rows of each stratum of ``subset`` with the dimensions in which actions may differ."""
        changes = self.window.changes[subset]
        changing = dims[changes[:, dims].any(axis=0)]
        if not len(changing):
            return
        versions = [
            changes[:, changing],
            *([] if self.residuals is None else [self.residuals[np.ix_(subset, changing)]]),
        ]
        screen = Screen.of(versions, self.window.actions[subset, 0], self.window.available.shape[-1], levels)
        examined: set[bytes] = set()
        for group in groupings:
            candidates = screen.candidates(group)
            for g in np.flatnonzero(candidates.any(axis=1)):
                rows = subset[group == g]
                tested = changing[candidates[g] & self.window.changes[np.ix_(rows, changing)].any(axis=0)]
                if len(tested) and rows.tobytes() not in examined:
                    examined.add(rows.tobytes())
                    yield rows, tested


def _agent_window(window: Window, i: int, rows: Integers) -> Window:
    """Return the transitions that count for agent i, as a team of one."""
    return replace(
        window,
        states=window.states[rows],
        changes=window.changes[rows],
        actions=window.actions[rows, i : i + 1],
        available=window.available[rows, i : i + 1],
        counts=window.counts[rows, i : i + 1],
    )


def _rest(residuals: Floats | None, rows: Integers, dims: Integers) -> Callable[[slice], Floats] | None:
    """Return a function that gives the residuals for some of these dimensions."""
    if residuals is None:
        return None
    selected = residuals[np.ix_(rows, dims)]
    return lambda subset: selected[:, subset]


def _part(window: Window, rows: Integers, dims: Integers) -> Window:
    """Return some transitions with some of the dimensions that changed."""
    return replace(
        window,
        states=window.states[rows],
        changes=window.changes[np.ix_(rows, dims)],
        dims=window.dims[dims],
        grain=window.grain[:, dims],
        actions=window.actions[rows],
        available=window.available[rows],
        counts=window.counts[rows],
    )
