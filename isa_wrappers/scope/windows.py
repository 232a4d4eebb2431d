"""Gather changes over one or more steps from streams of transitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array
from isa_wrappers.scope import kuiper
from isa_wrappers.scope.rounding import SHARE, changes_of
from isa_wrappers.scope.transitions import Transitions
from isa_wrappers.scope.variables import Choices, Variable, choices

LATER_CELLS = 100_000_000
"""Maximum of transitions times dimensions times agents for changes over several steps. Such changes overlap, and
relevant effects are large, so a random sample is sufficient in large problems."""
ENDS = 0.001
"""Probability that an action is wrongly said to end episodes."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """Changes over w steps.

    Attributes:
        states: states before, ``[N, K]``.
        changes: changes of the dimensions that ever changed, exactly 0 if unchanged, ``[N, D]``.
        dims: indices of these dimensions, ``[D]``.
        grain: rounding tolerances of the changes and of the residuals of a fit, ``[2, D]``.
        actions: chosen value of each variable, by default each agent's action; -1 if it did not act, ``[N, V]``.
        available: available values, ``[N, V, m]``.
        counts: whether the value was chosen freely, ``[N, V]`` bool.
        variables: the V variables of structured actions; see :mod:`isa_wrappers.scope.variables`.
        amounts: index of each range variable -> its values, ``[N]``.
        ended: for two values that were both available, the fraction of steps with the first after which the episode
            terminated within the w steps, ``[V, m, m]``; 1 if episodes continue significantly less often after one of
            them, since the remaining changes are then a biased selection. ``None`` if all episodes continue.
    """

    states: npt.NDArray[np.floating[Any]]
    changes: Array
    dims: npt.NDArray[np.int64]
    grain: Array
    actions: npt.NDArray[np.int64]
    available: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.bool_]
    variables: tuple[Variable, ...] = ()
    amounts: Mapping[int, Floats] = field(default_factory=dict)
    ended: Floats | None = None


def lengths(window: int) -> list[int]:
    """Return the numbers of steps over which changes are examined: 1, 2, 4, ... and W.

    Example:
        >>> lengths(8), lengths(6)
        ([1, 2, 4, 8], [1, 2, 4, 6])
    """
    return [*(2**power for power in range(int(window - 1).bit_length())), window]


def share_of(transitions: list[Transitions]) -> float:
    """Return the fraction of changes over several steps to examine."""
    cells = sum(part.states.size for part in transitions) * transitions[0].valid.shape[-1]
    return float(LATER_CELLS / max(cells, 1))


def gather(transitions: list[Transitions], width: int, share: float = 1.0) -> Window:
    """Collect the changes over ``width`` steps that begin and end in one episode, or a random share of them."""
    rng = np.random.default_rng(width)
    columns: list[list[Any]] = [[], [], [], [], [], [], [], []]
    for part in transitions:
        steps = max(0, len(part.actions) - width + 1)
        start, end = slice(0, steps), slice(width - 1, width - 1 + steps)
        goes_on = part.episode[start] == part.episode[end][: len(part.episode[start])]
        drawn = rng.random(goes_on.shape) < share if share < 1.0 else goes_on | True
        acted = part.valid[start][drawn]
        columns[0].append(part.states[start][drawn & goes_on])
        columns[1].append(part.next_states[end][drawn & goes_on])
        columns[2].append(part.actions[start][drawn])
        columns[3].append(part.available[start][drawn])
        columns[4].append(acted)
        columns[5].append(acted & np.broadcast_to(part.free, part.valid.shape)[start][drawn])
        columns[6].append(goes_on[drawn])
        columns[7].append(_ends_by_itself(part)[start][drawn])
    states, after, *what, goes_on, itself = (np.concatenate(column) for column in columns)
    if states.dtype.name not in SHARE:  # integers or float16
        kind = np.float32 if states.dtype == np.float16 else np.float64
        states, after = states.astype(kind), after.astype(kind)
    changes, grain = changes_of(states, after)
    dims = np.flatnonzero(changes.any(axis=0))
    chosen, ended = choices(transitions[0].code, *what), None
    if not goes_on.all():
        ended = _ended(chosen, goes_on, itself & ~goes_on)
        chosen = chosen.at(goes_on)
    return Window(states, changes[:, dims], dims, grain[:, dims], **vars(chosen), ended=ended)


def _ends_by_itself(part: Transitions) -> npt.NDArray[np.bool_]:
    """Return which steps belong to an episode that terminated, ``[T, E]``."""
    if part.over is None or not part.over.any():
        return np.zeros(part.episode.shape, dtype=bool)
    streams = np.arange(part.episode.shape[1])
    ended = np.zeros((len(streams), int(part.episode.max()) + 1), dtype=bool)
    step, stream = np.nonzero(part.over)
    ended[stream, part.episode[step, stream]] = True
    return ended[streams, part.episode]


def _ended(chosen: Choices, goes_on: npt.NDArray[np.bool_], own: npt.NDArray[np.bool_]) -> Floats:
    """Return :attr:`Window.ended`, given which transitions continue and which terminated before, ``[N]`` each."""
    count, values = chosen.available.shape[1:]
    ended = np.zeros((count, values, values))
    table = kuiper.log_factorials(2 * len(goes_on))
    for v in range(count):
        rows = np.flatnonzero(chosen.counts[:, v])
        taken = (chosen.actions[rows, v, None] == np.arange(values)).astype(np.float32)
        open_to_both = chosen.available[rows, v].astype(np.float32)
        times = np.rint(taken.T @ open_to_both).astype(np.int64)
        lasting = np.rint((taken * goes_on[rows, None]).T @ open_to_both).astype(np.int64)
        parted = kuiper.fisher_log_p(lasting, times, lasting.T, times.T, table) <= np.log(ENDS / values)
        if own.any():
            kept_out = np.rint((taken * own[rows, None]).T @ open_to_both)
            ended[v] = kept_out / np.maximum(lasting + kept_out, 1.0)
        ended[v][parted] = 1.0
    return ended
