"""What of a team's actions is compared as one: an agent's action, a component of it, or one where another is set."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.team_actions import TeamCode

MOST_PAIRED = 6
"""Components that an agent may have for each to be looked at while every other one is in either half."""
BEYOND = 2.0
"""What a component does while another is in one half counts where it is as many times what it does at large."""
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Variable:
    """What an agent chooses among ``len(stands_for)`` values of.

    Attributes:
        agent: whose.
        stands_for: for each value, the elementary actions that it is.
        parts: its component, by its number among those of the whole team; then the one that is set, if any. Of an
            action that is a number: the agent.
        ordered: values have an order and no majority: none of them is the usual one.
        share: of the steps, in which the other component is set so.
    """

    agent: int
    stands_for: tuple[Integers, ...]
    parts: tuple[int, ...]
    ordered: bool
    share: float = 1.0


@dataclass(frozen=True)
class Choices:
    """What was chosen, variable by variable: V of them, those of nothing set first.

    Attributes:
        variables: V; none where every action is a number: then they are :func:`whole_actions`.
        actions: ``[N, V]`` which value; -1 where the agent did not act.
        available: ``[N, V, m]`` bool.
        counts: ``[N, V]`` bool: chosen freely, and the other component set so.
        amounts: component -> ``[N]`` in [-1, 1]: where in its range it was, 0 where the agent did not act.
    """

    variables: tuple[Variable, ...]
    actions: Integers
    available: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.bool_]
    amounts: dict[int, Floats]

    def at(self, rows: npt.NDArray[np.bool_]) -> Choices:
        """Return some of the N choices."""
        amounts = {part: values[rows] for part, values in self.amounts.items()}
        return Choices(self.variables, self.actions[rows], self.available[rows], self.counts[rows], amounts)


@dataclass
class Columns:
    """Variables as they are found, with a column of each.

    Attributes:
        variables: so far.
        actions: ``[N]`` of each.
        available: ``[N, values]`` of each.
        counts: ``[N]`` of each.
    """

    variables: list[Variable]
    actions: list[Integers]
    available: list[npt.NDArray[np.bool_]]
    counts: list[npt.NDArray[np.bool_]]

    def add(self, variable: Variable, actions: Any, available: Any, counts: Any) -> None:
        """Add one."""
        self.variables.append(variable)
        self.actions.append(actions)
        self.available.append(available)
        self.counts.append(counts)


def choices(
    code: TeamCode | None,
    actions: npt.NDArray[Any],
    available: npt.NDArray[np.bool_],
    acted: npt.NDArray[np.bool_],
    free: npt.NDArray[np.bool_],
) -> Choices:
    """Take a team's actions apart.

    Args:
        code: how they are read; ``None`` where each is a number.
        actions: ``[N, A]``, or ``[N, A, d]`` with a code.
        available: ``[N, A, n]``.
        acted: ``[N, A]``.
        free: ``[N, A]`` it acted, and uniformly among what was available.
    """
    if code is None:
        return Choices((), np.where(acted, actions, -1), available, free, {})
    found = Columns([], [], [], [])
    bins, amounts = code.bins(actions), _amounts(code, actions, acted)
    for i, own in enumerate(code.codes):
        for c, (component, first) in enumerate(zip(own.components, own.offsets, strict=True)):
            values = tuple(np.arange(first, first + component.parts)[:, None])
            variable = Variable(i, values, (len(found.variables),), component.is_range)
            found.add(variable, bins[:, i, c], available[:, i, first : first + component.parts], free[:, i])
    _add_set(code, found)
    most = max(here.shape[1] for here in found.available)
    padded = np.stack([np.pad(here, ((0, 0), (0, most - here.shape[1]))) for here in found.available], axis=1)
    whose = [variable.agent for variable in found.variables]
    taken = np.where(acted[:, whose], np.stack(found.actions, axis=1), -1)
    return Choices(tuple(found.variables), taken, padded, np.stack(found.counts, axis=1), amounts)


def _amounts(code: TeamCode, actions: npt.NDArray[Any], acted: npt.NDArray[np.bool_]) -> dict[int, Floats]:
    table = code.table
    scaled = np.clip((actions - table.low) / np.where(table.width > 0, table.width, 1.0), 0.0, 1.0) * 2.0 - 1.0
    places = [(i, c) for i, own in enumerate(code.codes) for c in range(len(own.components))]
    return {
        part: np.where(acted[:, i], scaled[:, i, c], 0.0)
        for part, (i, c) in enumerate(places)
        if code.codes[i].components[c].is_range
    }


def _add_set(code: TeamCode, found: Columns) -> None:
    """Add each component in two halves, while another one of the agent is in its lower or upper half."""
    half = {}
    for part, variable in enumerate(found.variables):
        count = len(variable.stands_for)
        few = len(code.codes[variable.agent].components) <= MOST_PAIRED
        if few and count > 1:
            half[part] = 2 * np.arange(count) // count
    # Halves of more than two values are as likely in every state only where all is always available.
    fair = {part for part, side in half.items() if len(side) == 2 or bool(found.available[part].all())}
    for part, other in permutations(half, 2):
        one, two = found.variables[part], found.variables[other]
        if one.agent != two.agent or part not in fair:
            continue
        values = np.concatenate(one.stands_for)
        halves = tuple(values[half[part] == side] for side in (0, 1))
        here = np.stack([found.available[part][:, half[part] == side].any(axis=1) for side in (0, 1)], axis=1)
        where = half[other][found.actions[other]]
        for side in (0, 1):
            counts = found.counts[part] & (where == side)
            share = float(counts.sum() / max(found.counts[part].sum(), 1))
            variable = Variable(one.agent, halves, (part, other), ordered=True, share=share)
            found.add(variable, half[part][found.actions[part]], here, counts)


def whole_actions(agents: int, number: int) -> tuple[Variable, ...]:
    """Return the variables of a team whose actions are a number each."""
    values = tuple(np.arange(number)[:, None])
    return tuple(Variable(i, values, (i,), ordered=False) for i in range(agents))


def singles(variables: tuple[Variable, ...]) -> int:
    """Return how many of the variables are one component at large, or a whole action."""
    return sum(len(variable.parts) == 1 for variable in variables)


def by_elementary_action(variables: tuple[Variable, ...], found: Floats, shape: tuple[int, ...]) -> Floats:
    """Return figures of elementary actions: the largest of all variables' values that stand for them.

    What a component does while another is in either half is added up, each half with its share of the steps. That
    finds what only two components together do, such as a move whose sense the product of two signs gives. It counts
    where it is :data:`BEYOND` what the component does at large.

    Args:
        variables: V.
        found: ``[F, V, m, K]`` figures of their values, effects first.
        shape: A, n, K.

    Returns:
        ``[F, A, n, K]``.
    """
    figures = np.zeros((len(found), *shape))
    alone = found[0].max(axis=1, initial=0.0)
    together: dict[tuple[int, ...], Floats] = {}
    for v, variable in enumerate(variables):
        if len(variable.parts) == 1:
            _raise(figures, variable, found[:, v])
        else:
            together[variable.parts] = together.get(variable.parts, 0.0) + variable.share * found[:, v]
    of_parts = {variable.parts: variable for variable in variables}
    for parts, both in together.items():
        beyond = both[0].max(axis=0) >= BEYOND * alone[parts[0]]
        _raise(figures, of_parts[parts], np.where(beyond, both, 0.0))
    return figures


def of_elementary_actions(variables: tuple[Variable, ...], found: npt.NDArray[Any], shape: tuple[int, int]) -> Any:
    """Return ``[A, n]`` of elementary actions, given ``[V, m]`` of values; 0 where there is no such action."""
    figures = np.zeros(shape, dtype=found.dtype)
    for v, variable in enumerate(variables[: singles(variables)]):
        for value, columns in enumerate(variable.stands_for):
            figures[variable.agent, columns] = found[v, value]
    return figures


def _raise(figures: Floats, variable: Variable, found: Floats) -> None:
    """Raise the figures of what a variable's values stand for to what was found of them ``[F, m, K]``."""
    own = figures[:, variable.agent]
    for value, columns in enumerate(variable.stands_for):
        own[:, columns] = np.maximum(own[:, columns], found[:, None, value])
