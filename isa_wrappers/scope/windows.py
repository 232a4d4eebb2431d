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
        continues = part.episode[start] == part.episode[end][: len(part.episode[start])]
        sampled = rng.random(continues.shape) < share if share < 1.0 else continues | True
        acted = part.valid[start][sampled]
        columns[0].append(part.states[start][sampled & continues])
        columns[1].append(part.next_states[end][sampled & continues])
        columns[2].append(part.actions[start][sampled])
        columns[3].append(part.available[start][sampled])
        columns[4].append(acted)
        columns[5].append(acted & np.broadcast_to(part.free, part.valid.shape)[start][sampled])
        columns[6].append(continues[sampled])
        columns[7].append(_in_terminated_episode(part)[start][sampled])
    states, next_states, *choice_columns, continues, terminated = (np.concatenate(column) for column in columns)
    if states.dtype.name not in SHARE:  # integers or float16
        dtype = np.float32 if states.dtype == np.float16 else np.float64
        states, next_states = states.astype(dtype), next_states.astype(dtype)
    changes, grain = changes_of(states, next_states)
    dims = np.flatnonzero(changes.any(axis=0))
    chosen, ended = choices(transitions[0].code, *choice_columns), None
    if not continues.all():
        ended = _ended(chosen, continues, terminated & ~continues)
        chosen = chosen.at(continues)
    return Window(states, changes[:, dims], dims, grain[:, dims], **vars(chosen), ended=ended)


def _in_terminated_episode(part: Transitions) -> npt.NDArray[np.bool_]:
    """Return which steps belong to an episode that terminated, ``[T, E]``."""
    if part.over is None or not part.over.any():
        return np.zeros(part.episode.shape, dtype=bool)
    streams = np.arange(part.episode.shape[1])
    ended = np.zeros((len(streams), int(part.episode.max()) + 1), dtype=bool)
    step, stream = np.nonzero(part.over)
    ended[stream, part.episode[step, stream]] = True
    return ended[streams, part.episode]


def _ended(chosen: Choices, continues: npt.NDArray[np.bool_], terminated: npt.NDArray[np.bool_]) -> Floats:
    """Return :attr:`Window.ended`, given which transitions continue and which terminated before, ``[N]`` each."""
    count, values = chosen.available.shape[1:]
    ended = np.zeros((count, values, values))
    table = kuiper.log_factorials(2 * len(continues))
    for v in range(count):
        rows = np.flatnonzero(chosen.counts[:, v])
        taken = (chosen.actions[rows, v, None] == np.arange(values)).astype(np.float32)
        both_available = chosen.available[rows, v].astype(np.float32)
        times = np.rint(taken.T @ both_available).astype(np.int64)
        continued = np.rint((taken * continues[rows, None]).T @ both_available).astype(np.int64)
        differs = kuiper.fisher_log_p(continued, times, continued.T, times.T, table) <= np.log(ENDS / values)
        if terminated.any():
            cut_off = np.rint((taken * terminated[rows, None]).T @ both_available)
            ended[v] = cut_off / np.maximum(continued + cut_off, 1.0)
        ended[v][differs] = 1.0
    return ended
