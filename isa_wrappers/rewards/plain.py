"""Eq. 7 and Eq. 10 of one environment on plain numbers, which is faster than arrays if segments are short.

Array libraries have a cost per call. One environment with a few dimensions per agent makes about forty calls per step
on tiny arrays; plain Python is faster. The tests compare both ways with the same reference. Both share counts and
settings, so either can process any step.
"""

from __future__ import annotations

from math import floor, sqrt
from typing import Any

from isa_wrappers.arrays import Array
from isa_wrappers.rewards.base import RewardParts
from isa_wrappers.rewards.counts import VisitCounter
from isa_wrappers.rewards.segments import ROUNDING
from isa_wrappers.rewards.transition import PlainStep
from isa_wrappers.scope.credit import Credit

MOST_DIMENSIONS = 256
"""Total number of dimensions of all segments up to which plain numbers are faster."""
MOST_STATE = 512
"""Length of the state up to which it is read as a list."""


def is_small(credit: Credit) -> bool:
    """Return whether the segments are so short that plain numbers are faster."""
    return credit.state_size <= MOST_STATE and int(credit.segments.sum()) <= MOST_DIMENSIONS


class PlainSum:
    """Combines segments like :func:`~isa_wrappers.rewards.segments.combine_segments`.

    Args:
        credit: credit that defines the segments.
        special_weight: alpha1 or beta1.
        env_weight: alpha2 or beta2.
        won_weight: added to ``env_weight`` in proportion to the excess of won over other episodes.
    """

    def __init__(self, credit: Credit, special_weight: float, env_weight: float, won_weight: float = 0.0) -> None:
        self.rows = credit.segment_dims
        self._gate: list[list[bool]] = credit.gate.tolist()
        self._special_weight, self._env_weight, self._won_weight = special_weight, env_weight, won_weight

    def __call__(self, values: list[float], step: PlainStep) -> RewardParts:
        """Combine ``values`` of the 1 + A segments."""
        shared, weight = values[0], self._special_weight
        env_weight = self._env_weight + self._won_weight * max(0.0, 2.0 * step.won_share - 1.0)
        common, special, intrinsic, total = [], [], [], []
        rows = zip(self._gate, step.actions, step.acted, values[1:], step.rewards, strict=True)
        for gate, action, acted, own, reward in rows:
            c = s = 0.0
            if acted:
                s = own
                if shared and (gate[action] if type(action) is int else any(gate[a] for a in action)):  # type: ignore[union-attr]
                    c = shared
            i = c + weight * s
            common.append(c)
            special.append(s)
            intrinsic.append(i)
            total.append(i + env_weight * reward)
        return RewardParts(total, intrinsic, {"common": common, "special": special})


class PlainVisits:
    """Counts visits of one state in the table of a :class:`~isa_wrappers.rewards.counts.VisitCounter`.

    Args:
        counter: the counter, on NumPy.

    Example:
        >>> import numpy as np
        >>> counter = VisitCounter([[0], [1]])
        >>> PlainVisits(counter)([0.0, 5.0], [True, True]), counter.visit(np.array([0.0, 6.0])).tolist()
        ([1, 1], [2, 1])
    """

    def __init__(self, counter: VisitCounter) -> None:
        self._counter = counter
        self._table: Array = None

    def __call__(self, state: list[float], counted: list[bool] | None) -> list[int]:
        """Count a visit of the segments where ``counted`` is true, of none for ``None``; return N of every segment."""
        counter = self._counter
        if counter.table is not self._table:
            self._lay_out()
        scale, farthest, shift, slots = counter.count_scale, self._farthest, self._shift, self._slots
        visits = []
        for row, (start, pairs) in enumerate(self._rows):
            key = 0
            for dim, multiplier in pairs:
                x = state[dim]
                if not -farthest < x < farthest:
                    x = farthest if x > 0 else -farthest
                key += floor(x * scale + 0.5) * multiplier
            # The upper bits of the low 64 bits of the sum, like int64 arithmetic that wraps around.
            slot = start + (key >> shift & self._last)
            n = slots[slot]
            if counted is not None and counted[row]:
                n += 1
                slots[slot] = n
            visits.append(n)
        return visits

    def __getstate__(self) -> dict[str, Any]:
        """Return only the counter: a view of its table cannot be copied and is created again."""
        return {"_counter": self._counter, "_table": None}

    def _lay_out(self) -> None:
        """Read dimensions and multipliers again: loading, merging or following a scope replaces the table."""
        counter = self._counter
        bits = counter.table_bits
        self._table = counter.table
        self._slots = memoryview(counter.table.reshape(-1))
        self._shift, self._last = 64 - bits, (1 << bits) - 1
        self._farthest = counter.farthest
        multipliers = counter.multipliers.tolist()
        self._rows = [
            (row << bits, list(zip(dims, multipliers[row], strict=False))) for row, dims in enumerate(counter.segments)
        ]


class PlainCountBonus:
    """Eq. 10 of one environment; see :class:`~isa_wrappers.rewards.count_bonus.CountBonus`."""

    def __init__(self, counter: VisitCounter, add_up: PlainSum) -> None:
        self._visits, self._add_up = PlainVisits(counter), add_up

    def __call__(self, step: PlainStep, update: bool) -> RewardParts:
        """Count the visited state for agents that acted, and reward it."""
        visits = self._visits(step.after, [any(step.acted), *step.acted] if update else None)
        rows = self._add_up.rows
        return self._add_up([1.0 / sqrt(n or 1) if row else 0.0 for n, row in zip(visits, rows, strict=True)], step)


class PlainGoalReward:
    """Eq. 7 of one environment; see :class:`~isa_wrappers.rewards.goal_reward.GoalReward`.

    The distance after a step is the distance before the next one, so it is reused while state and goal are the same
    objects.
    """

    def __init__(self, hamming: float, add_up: PlainSum) -> None:
        self._hamming, self._add_up = hamming, add_up
        self._state: list[float] | None = None
        self._goal: list[float] | None = None
        self._distances: list[float] = []

    def __call__(self, step: PlainStep, update: bool) -> RewardParts:
        """Reward the step's progress towards its goal."""
        is_known = step.before is self._state and step.goal is self._goal
        before = self._distances if is_known else self._distance(step.before, step)
        after = self._distance(step.after, step)
        self._state, self._goal, self._distances = step.after, step.goal, after
        return self._add_up([b - a for b, a in zip(before, after, strict=True)], step)

    def _distance(self, state: list[float], step: PlainStep) -> list[float]:
        goal, wide, hamming = step.goal or (), step.wide, self._hamming
        distances = []
        for dims in self._add_up.rows:
            squares, num_different = 0.0, 0
            for k in dims:
                x, g = state[k], goal[k]
                if x != g:
                    difference = x - g
                    squares += difference * difference
                    num_different += not wide or abs(difference) > ROUNDING * max(abs(x), abs(g))
            distances.append(sqrt(squares) + hamming * num_different)
        return distances
