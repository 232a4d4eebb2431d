"""Encode, draw and convert the structured actions of a team, in NumPy or torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, Rng, array_device, namespace
from isa_wrappers.border.actions import ActionCode


class Table(NamedTuple):
    """The components of all agents; missing components repeat the agent's first one.

    Attributes:
        low: smallest values, ``[A, d]``.
        width: largest minus smallest values, ``[A, d]``.
        parts: numbers of elementary actions, ``[A, d]``.
        offset: index of the first elementary action, ``[A, d]``.
        is_range: whether the component is a range, ``[A, d]`` bool.
        is_whole: whether it is a range of integers, ``[A, d]`` bool.
        exists: whether the agent has this component, ``[A, d]`` bool.
        of_choice: whether the elementary action is a value of this component and the component is a choice,
            ``[A, d, n]`` bool.
    """

    low: Array
    width: Array
    parts: Array
    offset: Array
    is_range: Array
    is_whole: Array
    exists: Array
    of_choice: Array


class TeamCode:
    """Encoding of a team's actions ``[..., A, d]`` float32; d is the largest number of components of an agent.

    Args:
        codes: encodings of the agents' actions, in order.

    Attributes:
        codes: encodings of the agents' actions, in order.
        num_actions: number of elementary actions of each agent.
        size: d.
        table: table of all components, as NumPy arrays.

    Example:
        >>> from gymnasium import spaces
        >>> team = TeamCode([ActionCode.of(spaces.Box(0, 1, (2,)), "a"), ActionCode.of(spaces.Discrete(3), "b")])
        >>> team.num_actions, team.size
        ((8, 3), 2)
        >>> team.columns(np.array([[0.3, 0.9], [2.0, 0.0]], dtype=np.float32)).tolist()
        [[1, 7], [2, 2]]
    """

    def __init__(self, codes: Sequence[ActionCode]) -> None:
        self.codes = tuple(codes)
        self.num_actions = tuple(code.num_actions for code in self.codes)
        self.size = max(len(code.components) for code in self.codes)
        most = max(self.num_actions)
        rows = [self._row(code, most) for code in self.codes]
        kinds = (np.float32, np.float32, np.int64, np.int64, bool, bool, bool, bool)
        columns = zip(zip(*rows, strict=True), kinds, strict=True)
        self.table = Table(*(np.array(column, dtype=kind) for column, kind in columns))
        self._has_whole_ranges = bool(self.table.is_whole.any())
        self._tables: dict[str, Table] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return TeamCode, (self.codes,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TeamCode) and self.codes == other.codes

    def __hash__(self) -> int:
        return hash(self.codes)

    def _row(self, code: ActionCode, most: int) -> tuple[list[Any], ...]:
        """Return one agent's row of each column of the table."""
        count = len(code.components)
        indices = [c if c < count else 0 for c in range(self.size)]
        components = [code.components[c] for c in indices]
        offset = [code.offsets[c] for c in indices]
        of_choice = np.zeros((self.size, most), dtype=bool)
        for c, (own, first) in enumerate(zip(components, offset, strict=True)):
            of_choice[c, first : first + own.parts] = not own.is_range
        return (
            [component.low for component in components],
            [component.width for component in components],
            [component.parts for component in components],
            offset,
            [component.is_range for component in components],
            [code.is_whole] * self.size,
            [c < count for c in range(self.size)],
            of_choice.tolist(),
        )

    def on(self, like: Array) -> Table:
        """Return the table as arrays of the same type and device as ``like``."""
        if isinstance(like, np.ndarray):
            return self.table
        device = str(array_device(like))
        if device not in self._tables:
            xp = namespace(like)
            self._tables[device] = Table(*(xp.asarray(column, device=array_device(like)) for column in self.table))
        return self._tables[device]

    @property
    def has_ranges(self) -> bool:
        """Whether some component is a range."""
        return bool(self.table.is_range.any())

    @property
    def has_choices(self) -> bool:
        """Whether some component is a choice."""
        return not bool(self.table.is_range.all())

    def draw(self, rng: Rng, available: Array) -> Array:
        """Draw uniformly: choices among the ``available`` ``[..., A, n]`` values, ranges between their bounds."""
        xp, table = namespace(available), self.on(available)
        drawn = xp.zeros((*available.shape[:-1], self.size), dtype=xp.float32, device=array_device(available))
        if self.has_choices:
            drawn = self._best(_scores(rng, available), table)
        if self.has_ranges:
            share = xp.astype(rng.uniform(*drawn.shape), xp.float32)
            value = table.low + share * table.width
            if self._has_whole_ranges:
                step = xp.minimum(xp.floor(share * (table.width + 1)), table.width)
                value = xp.where(table.is_whole, table.low + step, value)
            drawn = xp.where(table.is_range, value, drawn)
        return drawn

    def allowed(self, actions: Array, available: Array) -> Array:
        """Return ``actions``, replacing unavailable choices by their first ``available`` value."""
        if not self.has_choices:
            return actions
        xp, table = namespace(available), self.on(available)
        is_allowed = xp.take_along_axis(available, self.columns(actions), axis=-1) | table.is_range
        return xp.where(is_allowed, actions, self._best(xp.astype(available, xp.float32), table))

    @staticmethod
    def _best(scores: Array, table: Table) -> Array:
        """Return the first value with the highest score ``[..., A, n]`` of each choice, ``[..., A, d]``."""
        xp = namespace(scores)
        component_scores = xp.where(table.of_choice, scores[..., None, :], -1.0)
        return xp.astype(xp.argmax(component_scores, axis=-1) - table.offset, xp.float32)

    def bins(self, actions: Array) -> Array:
        """Return the value index of each choice or the part index of each range, ``[..., A, d]`` int64."""
        xp, table = namespace(actions), self.on(actions)
        width = xp.where(table.width > 0, table.width, 1.0)
        values = xp.where(table.exists, actions, actions[..., :1])
        if self._has_whole_ranges:  # as sent to the environment
            values = xp.where(table.is_whole, xp.round(values), values)
        # Use the value of a choice directly: dividing and multiplying again would round 5 of 6 down to 4.
        index = xp.where(table.is_range, xp.floor((values - table.low) / width * table.parts), xp.round(values))
        return xp.clip(xp.astype(index, xp.int64), 0 * table.parts, table.parts - 1)

    def columns(self, actions: Array) -> Array:
        """Return the elementary actions ``[..., A, d]`` int64 of ``actions`` ``[..., A, d]``.

        Missing components of an agent repeat its first one.
        """
        return self.bins(actions) + self.on(actions).offset

    def read(self, actions: Mapping[int, tuple[Any, Any]]) -> npt.NDArray[np.int64]:
        """Return the elementary actions ``[A, d]`` of actions in the environment's format.

        Args:
            actions: index of an agent -> its action and its name; the other agents did nothing.

        Raises:
            InvalidValueError: if an agent does not have its action.
        """
        vectors = np.zeros((len(self.codes), self.size), dtype=np.float32)
        for i, (action, agent) in actions.items():
            vector = self.codes[i].read(action, agent)
            vectors[i, : len(vector)] = vector
        columns: npt.NDArray[np.int64] = self.columns(vectors)
        return columns

    def idle(self) -> npt.NDArray[np.bool_]:
        """Return the mask of agents that do not act, with the first value of each component, ``[A, n]``."""
        available = np.zeros((len(self.codes), max(self.num_actions)), dtype=bool)
        np.put_along_axis(available, self.table.offset, True, axis=1)
        for i, code in enumerate(self.codes):
            for first, component in zip(code.offsets, code.components, strict=True):
                available[i, first : first + component.parts] |= component.is_range
        return available


def team_code(codes: Sequence[ActionCode]) -> TeamCode | None:
    """Return a team's code; ``None`` if every action space is ``Discrete``, so that each action is a number."""
    return None if all(code.kind == "Discrete" for code in codes) else TeamCode(codes)


def draw_choices(rng: Rng, available: Array) -> Array:
    """Draw uniformly among the available actions ``[..., n]``: ``[...]`` int64.

    Example:
        >>> draw_choices(Rng(0), np.array([[False, True], [True, False]])).tolist()
        [1, 0]
    """
    return namespace(available).argmax(_scores(rng, available), axis=-1)


def _scores(rng: Rng, available: Array) -> Array:
    """Return random positive numbers for available actions, else 0; the largest one is a uniform draw."""
    return namespace(available).astype(available, namespace(available).float32) * (rng.uniform(*available.shape) + 1e-6)
