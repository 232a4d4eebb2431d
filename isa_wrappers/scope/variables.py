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
    columns = Columns([], [], [], [])
    bins, amounts = code.bins(actions), _amounts(code, actions, acted)
    for i, own in enumerate(code.codes):
        for c, (component, first) in enumerate(zip(own.components, own.offsets, strict=True)):
            values = tuple(np.arange(first, first + component.parts)[:, None])
            variable = Variable(i, values, (len(columns.variables),), component.is_range)
            columns.add(variable, bins[:, i, c], available[:, i, first : first + component.parts], free[:, i])
    _add_conditional(code, columns)
    most = max(mask.shape[1] for mask in columns.available)
    padded = np.stack([np.pad(mask, ((0, 0), (0, most - mask.shape[1]))) for mask in columns.available], axis=1)
    agent_of = [variable.agent for variable in columns.variables]
    chosen = np.where(acted[:, agent_of], np.stack(columns.actions, axis=1), -1)
    return Choices(tuple(columns.variables), chosen, padded, np.stack(columns.counts, axis=1), amounts)


def _amounts(code: TeamCode, actions: npt.NDArray[Any], acted: npt.NDArray[np.bool_]) -> dict[int, Floats]:
    table = code.table
    scaled = np.clip((actions - table.low) / np.where(table.width > 0, table.width, 1.0), 0.0, 1.0) * 2.0 - 1.0
    places = [(i, c) for i, own in enumerate(code.codes) for c in range(len(own.components))]
    return {
        part: np.where(acted[:, i], scaled[:, i, c], 0.0)
        for part, (i, c) in enumerate(places)
        if code.codes[i].components[c].is_range
    }


def _add_conditional(code: TeamCode, columns: Columns) -> None:
    """Add each component in two halves, given that another one of the agent is in its lower or upper half."""
    half_of = {}
    for part, variable in enumerate(columns.variables):
        count = len(variable.stands_for)
        is_paired = len(code.codes[variable.agent].components) <= MOST_PAIRED
        if is_paired and count > 1:
            half_of[part] = 2 * np.arange(count) // count
    # Halves of more than two values have state-independent probabilities only if all values are always available.
    usable = {part for part, side in half_of.items() if len(side) == 2 or bool(columns.available[part].all())}
    for part, other in permutations(half_of, 2):
        first, second = columns.variables[part], columns.variables[other]
        if first.agent != second.agent or part not in usable:
            continue
        values = np.concatenate(first.stands_for)
        halves = tuple(values[half_of[part] == side] for side in (0, 1))
        half_available = np.stack(
            [columns.available[part][:, half_of[part] == side].any(axis=1) for side in (0, 1)], axis=1
        )
        condition_half = half_of[other][columns.actions[other]]
        for side in (0, 1):
            counts = columns.counts[part] & (condition_half == side)
            share = float(counts.sum() / max(columns.counts[part].sum(), 1))
            variable = Variable(first.agent, halves, (part, other), ordered=True, share=share)
            columns.add(variable, half_of[part][columns.actions[part]], half_available, counts)


def whole_actions(agents: int, number: int) -> tuple[Variable, ...]:
    """Return the variables of a team in which each action is a number."""
    values = tuple(np.arange(number)[:, None])
    return tuple(Variable(i, values, (i,), ordered=False) for i in range(agents))


def num_unconditional(variables: tuple[Variable, ...]) -> int:
    """Return how many of the variables are unconditional components or whole actions."""
    return sum(len(variable.parts) == 1 for variable in variables)


def by_elementary_action(variables: tuple[Variable, ...], results: Floats, shape: tuple[int, ...]) -> Floats:
    """Return the results for elementary actions: the largest over all values of variables that stand for them.

    Effects of a component conditional on another one are summed over both halves, weighted by the fractions of steps.
    This finds effects of two components together, such as a move whose direction is the product of two signs. Such an
    effect counts if it is :data:`BEYOND` times the unconditional effect.

    Args:
        variables: the V variables.
        results: results for their values, effects first, ``[F, V, m, K]``.
        shape: A, n, K.

    Returns:
        ``[F, A, n, K]``.
    """
    figures = np.zeros((len(results), *shape))
    unconditional = results[0].max(axis=1, initial=0.0)
    conditional: dict[tuple[int, ...], Floats] = {}
    for v, variable in enumerate(variables):
        if len(variable.parts) == 1:
            _raise_to(figures, variable, results[:, v])
        else:
            conditional[variable.parts] = conditional.get(variable.parts, 0.0) + variable.share * results[:, v]
    of_parts = {variable.parts: variable for variable in variables}
    for parts, effect in conditional.items():
        exceeds = effect[0].max(axis=0) >= BEYOND * unconditional[parts[0]]
        _raise_to(figures, of_parts[parts], np.where(exceeds, effect, 0.0))
    return figures


def of_elementary_actions(variables: tuple[Variable, ...], results: npt.NDArray[Any], shape: tuple[int, int]) -> Any:
    """Convert ``[V, m]`` for values to ``[A, n]`` for elementary actions; 0 if there is no such action."""
    figures = np.zeros(shape, dtype=results.dtype)
    for v, variable in enumerate(variables[: num_unconditional(variables)]):
        for value, columns in enumerate(variable.stands_for):
            figures[variable.agent, columns] = results[v, value]
    return figures


def _raise_to(figures: Floats, variable: Variable, results: Floats) -> None:
    """Raise the results for the actions of a variable to those found for its values, ``[F, m, K]``."""
    own = figures[:, variable.agent]
    for value, columns in enumerate(variable.stands_for):
        own[:, columns] = np.maximum(own[:, columns], results[:, None, value])
