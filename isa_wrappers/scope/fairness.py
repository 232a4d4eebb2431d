"""Check that recorded actions were fair random draws, and refuse data that do not allow an estimate of influence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from isa_wrappers.errors import RecordedDataError
from isa_wrappers.scope.ranks import groups_of
from isa_wrappers.scope.transitions import Transitions

GROUPS = 8
"""Number of groups into which a state dimension is divided."""
SURE = 7.0
"""Number of standard deviations from which a deviation is significant."""
STRONG = 0.15
"""Strength of an association (Cramer's V) from which it matters; fair draws stay below it at any sample size."""
UNEVEN = 0.25
"""Fraction of an agent's actions that may deviate from the frequencies of fair draws."""
Integers = npt.NDArray[np.int64]


def check_fair(transitions: Transitions, agents: Sequence[str]) -> None:
    """Refuse transitions in which an agent's actions were not drawn independently of the state.

    With the most common mask, an agent's actions must not depend on the state or on the actions of others. They must
    also be about as frequent as random draws among the available actions.

    Args:
        transitions: transitions in one stream.
        agents: names of the agents.

    Raises:
        RecordedDataError: if this is not the case; the message names the agent and the dependence.
    """
    states = transitions.states[:, 0]
    rows: list[npt.NDArray[np.bool_]] = []
    for i, name in enumerate(agents):
        acted = transitions.valid[:, 0, i]
        masks, actions = transitions.available[acted, 0, i], transitions.actions[acted, 0, i]
        _check_varied(masks, actions, name)
        same = _with_commonest_mask(transitions.available[:, 0, i], acted)
        rows.append(same)
        _check_state_independent(states[same], transitions.actions[same, 0, i], name)
        _check_uniform(masks, actions, name)
    for i, j in combinations(range(len(agents)), 2):
        both = rows[i] & rows[j]
        if strongly_associated(transitions.actions[both, 0, i], transitions.actions[both, 0, j]):
            raise RecordedDataError(
                f"actions of {agents[i]!r} are associated with those of {agents[j]!r}, so their effects cannot be "
                "separated; record agents that act independently"
            )


def _check_varied(masks: npt.NDArray[np.bool_], actions: Integers, name: str) -> None:
    has_choice = masks.sum(axis=1) > 1
    if not has_choice.any():
        raise RecordedDataError(f"agent {name!r} never had a choice, so the effects of its actions are unknown")
    if len(np.unique(actions[has_choice])) == 1:
        raise RecordedDataError(
            f"agent {name!r} took action {int(actions[has_choice][0])} whenever it had a choice; a single action does "
            "not show what it moves"
        )


def _with_commonest_mask(masks: npt.NDArray[np.bool_], acted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the rows with the most common mask that leaves a choice."""
    with_choice = np.flatnonzero(acted & (masks.sum(axis=1) > 1))
    _, which, counts = np.unique(masks[with_choice], axis=0, return_inverse=True, return_counts=True)
    most = int(counts.argmax())
    is_commonest = np.zeros(len(masks), dtype=bool)
    is_commonest[with_choice[which.reshape(-1) == most]] = True
    return is_commonest


def _check_state_independent(states: npt.NDArray[np.floating], actions: Integers, name: str) -> None:
    """Refuse actions that depend on a state dimension; name the dimension with the strongest dependence."""
    column_groups = [(k, groups_of(column, GROUPS, GROUPS)) for k, column in enumerate(states.T)]
    tables = {k: _table(groups, actions) for k, groups in column_groups}
    dependence = {k: strength for k, table in tables.items() if (strength := _association(table)) > STRONG}
    for k in sorted(dependence, key=lambda k: -dependence[k]):
        table = tables[k]
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
        never = np.argwhere((table == 0) & (expected >= 20))
        if len(never) and (table > 0).sum(axis=1).min() > 1:
            group, action = never[0].tolist()
            groups = dict(column_groups)[k]
            values = states[groups == np.unique(groups)[group], k]
            raise RecordedDataError(
                f"agent {name!r} never took action {int(np.unique(actions)[action])} where dimension {k} is "
                f"{_range(values)} ({len(values)} steps): if it was not available there, pass the masks (available)"
            )
    if dependence:
        raise RecordedDataError(
            f"actions of agent {name!r} depend on dimension {max(dependence, key=lambda k: dependence[k])} of the "
            "state: a policy that depends on the state does not show influence; record random play, or only steps with "
            "random actions"
        )


def _check_uniform(masks: npt.NDArray[np.bool_], actions: Integers, name: str) -> None:
    """Refuse actions whose frequencies differ from fair draws among the available ones."""
    expected = (masks / masks.sum(axis=1, keepdims=True)).sum(axis=0)
    counts = np.bincount(actions, minlength=masks.shape[1])
    distance = np.abs(counts - expected).sum() / 2 / len(actions)
    if distance > UNEVEN and distance * len(actions) > SURE * np.sqrt(len(actions)):
        least, most = int((counts - expected).argmin()), int((counts - expected).argmax())
        raise RecordedDataError(
            f"agent {name!r} took action {most} {counts[most]} and action {least} {counts[least]} times, but fair "
            f"draws give {expected[most]:.0f} and {expected[least]:.0f}: pass the masks (available), or record "
            "random play"
        )


def strongly_associated(first: Integers, second: Integers) -> bool:
    """Return whether two columns are significantly and strongly associated.

    Example:
        >>> first = np.arange(400) % 4
        >>> strongly_associated(first, first // 2), strongly_associated(first, np.arange(400) % 7)
        (True, False)
    """
    return _association(_table(first, second)) > STRONG


def _table(first: Integers, second: Integers) -> Integers:
    """Return how often each pair of values occurs."""
    rows, columns = (np.unique(values, return_inverse=True)[1].reshape(-1) for values in (first, second))
    table = np.zeros((rows.max(initial=-1) + 1, columns.max(initial=-1) + 1), dtype=np.int64)
    np.add.at(table, (rows, columns), 1)
    return table


def _association(table: Integers) -> float:
    """Return the association of rows and columns (Cramer's V), 0 if it is not significant (chi-square)."""
    degrees = (table.shape[0] - 1) * (table.shape[1] - 1)
    if degrees <= 0 or table.sum() < 20:
        return 0.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    chi_square = float((np.square(table - expected) / expected).sum())
    # Wilson and Hilferty: the cube root of chi-square is approximately normal
    deviations = ((chi_square / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / np.sqrt(2 / (9 * degrees))
    return float(np.sqrt(chi_square / table.sum() / (min(table.shape) - 1))) if deviations > SURE else 0.0


def _range(values: npt.NDArray[np.floating]) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
