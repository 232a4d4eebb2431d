"""Variables for comparing actions: an agent's action, a component of it, or a component given another one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.team_actions import TeamCode

MOST_PAIRED = 6
"""Maximum number of components of an agent for examining each one conditionally on every other one."""
BEYOND = 2.0
"""A conditional effect of a component counts if it is at least this multiple of its unconditional effect."""
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Variable:
    """A choice of an agent among ``len(stands_for)`` values.

    Attributes:
        agent: index of the agent.
        stands_for: elementary actions of each value.
        parts: index of its component among those of the whole team, then that of the conditioning component, if any;
            for an action that is a number, the agent.
        ordered: whether the values have an order, so that none of them is the usual one.
        share: fraction of the steps that fulfil the condition on the other component.
    """

    agent: int
    stands_for: tuple[Integers, ...]
    parts: tuple[int, ...]
    ordered: bool
    share: float = 1.0


@dataclass(frozen=True)
class Choices:
    """The choices of V variables, unconditional ones first.

    Attributes:
        variables: the variables; empty if every action is a number, which stands for :func:`whole_actions`.
        actions: index of the chosen value, or -1 if the agent did not act, ``[N, V]``.
        available: available values, ``[N, V, m]`` bool.
        counts: whether the value was chosen freely and the condition is fulfilled, ``[N, V]`` bool.
        amounts: range component -> its value scaled to [-1, 1], 0 if the agent did not act, ``[N]``.
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
    """Variables with one column of data each.

    Attributes:
        variables: variables so far.
        actions: ``[N]`` for each variable.
        available: ``[N, values]`` for each variable.
        counts: ``[N]`` for each variable.
    """

    variables: list[Variable]
    actions: list[Integers]
    available: list[npt.NDArray[np.bool_]]
    counts: list[npt.NDArray[np.bool_]]

    def add(self, variable: Variable, actions: Any, available: Any, counts: Any) -> None:
        """Add a variable."""
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
    """Split the actions of a team into variables.

    Args:
        code: encoding of structured actions; ``None`` if each action is a number.
        actions: ``[N, A]``, or ``[N, A, d]`` with a code.
        available: available actions, ``[N, A, n]``.
        acted: whether each agent acted, ``[N, A]``.
        free: whether each agent acted uniformly among its available actions, ``[N, A]``.
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
    """Add each component in two halves, given that another one of the agent is in its lower or upper half."""
    half = {}
    for part, variable in enumerate(found.variables):
        count = len(variable.stands_for)
        few = len(code.codes[variable.agent].components) <= MOST_PAIRED
        if few and count > 1:
            half[part] = 2 * np.arange(count) // count
    # Halves of more than two values have state-independent probabilities only if all values are always available.
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
    """Return the variables of a team in which each action is a number."""
    values = tuple(np.arange(number)[:, None])
    return tuple(Variable(i, values, (i,), ordered=False) for i in range(agents))


def singles(variables: tuple[Variable, ...]) -> int:
    """Return how many of the variables are unconditional components or whole actions."""
    return sum(len(variable.parts) == 1 for variable in variables)


def by_elementary_action(variables: tuple[Variable, ...], found: Floats, shape: tuple[int, ...]) -> Floats:
    """Return the results for elementary actions: the largest over all values of variables that stand for them.

    Effects of a component conditional on another one are summed over both halves, weighted by the fractions of steps.
    This finds effects of two components together, such as a move whose direction is the product of two signs. Such an
    effect counts if it is :data:`BEYOND` times the unconditional effect.

    Args:
        variables: the V variables.
        found: results for their values, effects first, ``[F, V, m, K]``.
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
    """Convert ``[V, m]`` for values to ``[A, n]`` for elementary actions; 0 if there is no such action."""
    figures = np.zeros(shape, dtype=found.dtype)
    for v, variable in enumerate(variables[: singles(variables)]):
        for value, columns in enumerate(variable.stands_for):
            figures[variable.agent, columns] = found[v, value]
    return figures


def _raise(figures: Floats, variable: Variable, found: Floats) -> None:
    """Raise the results for the actions of a variable to those found for its values, ``[F, m, K]``."""
    own = figures[:, variable.agent]
    for value, columns in enumerate(variable.stands_for):
        own[:, columns] = np.maximum(own[:, columns], found[:, None, value])
