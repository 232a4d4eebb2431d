"""What of a team's actions is compared as one: an agent's action, a component of it, or two components together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.team_actions import TeamCode

MOST_PAIRED = 6
"""Components that an agent may have for every two of them to be looked at together."""
BEYOND = 2.0
"""Two components together have an effect of their own where it is at least this many times what both have alone."""
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Variable:
    """What an agent chooses among ``len(stands_for)`` values of.

    Attributes:
        agent: whose.
        stands_for: for each value, the elementary actions that it is (of two components, one half of each).
        parts: the components, by their number among those of the whole team; of an action that is a number, the agent.
        ordered: values have an order and no majority: none of them is the usual one.
    """

    agent: int
    stands_for: tuple[Integers, ...]
    parts: tuple[int, ...]
    ordered: bool


@dataclass(frozen=True)
class Choices:
    """What was chosen, variable by variable: V of them, single components first.

    Attributes:
        variables: V; none where every action is a number: then they are :func:`whole_actions`.
        actions: ``[N, V]`` which value; -1 where the agent did not act.
        available: ``[N, V, m]`` bool.
        counts: ``[N, V]`` bool: chosen freely.
        amounts: component -> ``[N]`` in [-1, 1]: where in its range it was, 0 where the agent did not act.
    """

    variables: tuple[Variable, ...]
    actions: Integers
    available: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.bool_]
    amounts: dict[int, Floats]


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
    variables: list[Variable] = []
    chosen, open_to = [], []
    amounts: dict[int, Floats] = {}
    bins, width = code.bins(actions), np.where(code.table.width > 0, code.table.width, 1.0)
    scaled = np.clip((actions - code.table.low) / width, 0.0, 1.0) * 2.0 - 1.0
    halves: dict[int, tuple[int, Integers, npt.NDArray[np.bool_], bool]] = {}
    for i, own in enumerate(code.codes):
        for c, (component, first) in enumerate(zip(own.components, own.offsets, strict=True)):
            part = len(variables)
            values = tuple(np.arange(first, first + component.parts)[:, None])
            variables.append(Variable(i, values, (part,), component.is_range))
            here, half = available[:, i, first : first + component.parts], 2 * np.arange(component.parts)
            chosen.append(bins[:, i, c])
            open_to.append(here)
            if component.is_range:
                amounts[part] = np.where(acted[:, i], scaled[:, i, c], 0.0)
            if component.parts > 1:
                side = half // component.parts
                both = np.stack([here[:, side == s].any(axis=1) for s in (0, 1)], axis=1)
                # Halves of more than two values are as likely in every state only where all is always available.
                fair = component.parts == 2 or bool(here.all())
                halves[part] = i, side[bins[:, i, c]], both, fair
    for one, other in _pairs(code, halves):
        (i, left, both_left, _), (_, right, both_right, _) = halves[one], halves[other]
        variables.append(_pair(variables[one], variables[other]))
        chosen.append(2 * left + right)
        open_to.append((both_left[:, :, None] & both_right[:, None]).reshape(-1, 4))
    most = max(here.shape[1] for here in open_to)
    padded = np.stack([np.pad(here, ((0, 0), (0, most - here.shape[1]))) for here in open_to], axis=1)
    whose = [variable.agent for variable in variables]
    taken = np.where(acted[:, whose], np.stack(chosen, axis=1), -1)
    return Choices(tuple(variables), taken, padded, free[:, whose], amounts)


def whole_actions(agents: int, number: int) -> tuple[Variable, ...]:
    """Return the variables of a team whose actions are a number each."""
    values = tuple(np.arange(number)[:, None])
    return tuple(Variable(i, values, (i,), ordered=False) for i in range(agents))


def singles(variables: tuple[Variable, ...]) -> int:
    """Return how many of the variables are one component, or a whole action."""
    return sum(len(variable.parts) == 1 for variable in variables)


def _pairs(code: TeamCode, halves: dict[int, tuple[int, Any, Any, bool]]) -> list[tuple[int, int]]:
    """Return which components are looked at together."""
    few = [len(own.components) <= MOST_PAIRED for own in code.codes]
    fair = [part for part, (agent, _, _, fair) in halves.items() if fair and few[agent]]
    return [(one, other) for one, other in combinations(fair, 2) if halves[one][0] == halves[other][0]]


def _pair(one: Variable, other: Variable) -> Variable:
    sides = []
    for variable in (one, other):
        values = np.concatenate(variable.stands_for)
        cut = -(-len(values) // 2)
        sides.append((values[:cut], values[cut:]))
    four = tuple(np.concatenate([a, b]) for a in sides[0] for b in sides[1])
    return Variable(one.agent, four, one.parts + other.parts, ordered=True)


def by_elementary_action(variables: tuple[Variable, ...], found: Floats, shape: tuple[int, ...]) -> Floats:
    """Return figures of elementary actions: the largest of all variables' values that stand for them.

    Two components together count in dimensions that they move :data:`BEYOND` what each of them does alone.

    Args:
        variables: V.
        found: ``[F, V, m, K]`` figures of their values, effects first.
        shape: A, n, K.

    Returns:
        ``[F, A, n, K]``.
    """
    figures = np.zeros((len(found), *shape))
    largest = found[0].max(axis=1, initial=0.0)
    for v, variable in enumerate(variables):
        own = figures[:, variable.agent]
        alone = largest[list(variable.parts)].sum(axis=0) if len(variable.parts) > 1 else 0.0
        kept = np.where(largest[v] >= BEYOND * alone, found[:, v], 0.0)
        for value, columns in enumerate(variable.stands_for):
            own[:, columns] = np.maximum(own[:, columns], kept[:, None, value])
    return figures
