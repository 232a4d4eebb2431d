"""Select the transitions for comparing pairs of one agent's actions under equal conditions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isa_wrappers.scope import kuiper
from isa_wrappers.scope.ranks import Lists

ALLOWED = float(np.log(0.05 / 2))
"""Log of the probability of any false positive in a scope: half of 0.05 for each kind of test."""
SAMPLE = 2_048
"""Number of transitions of an agent to which bins are fitted."""
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Levels:
    """Logs of the significance levels of single tests.

    Attributes:
        pair: level for two actions.
        rest: level for an action against all others.
        within: level for two actions, one of which is known to differ from all others.
    """

    pair: float
    rest: float
    within: float


@dataclass(frozen=True)
class RareComparisons:
    """Rare actions, each compared with all others that were taken while it was available.

    A transition of another action has weight ``1 / (m - 1)`` if m actions were available, to match the frequency of the
    rare action.

    Attributes:
        actions: the rare actions, ``[R]``.
        own: their transitions.
        others: transitions of the other actions, with weights.
        effective: n_e, with the effective number of weighted samples (Kish), ``[R]``.
    """

    actions: Integers
    own: Lists
    others: Lists
    effective: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparisons:
    """One agent's transitions, arranged for pairwise comparison of its actions.

    For actions a and b, only transitions count in which both were available: both were then equally likely, so any
    other difference between the samples is due to chance. Samples that several pairs share (all transitions of a, if
    everything was available) form one list.

    Attributes:
        number: number of actions, n.
        lists: L lists of transitions.
        pairs: actions a < b of each pair, ``[P, 2]``.
        which: indices of the lists: a's transitions with b available, and b's with a available, ``[P, 2]``.
        shares: size of these lists as a fraction of all transitions of a (b), ``[P, 2]``.
        effective: n_e = n m / (n + m), ``[P]``.
        rests: actions that are too rare for a pairwise test.
        sample: transitions with similar numbers for each action, so that bins also represent rare actions.
        ended: fraction of a's (b's) transitions that are missing because the episode ended, ``[P, 2]``; ``None`` if
            there are none.
    """

    number: int
    lists: Lists
    pairs: Integers
    which: Integers
    shares: npt.NDArray[np.float64]
    effective: npt.NDArray[np.float64]
    rests: RareComparisons
    sample: Integers
    ended: npt.NDArray[np.float64] | None = None


def least_effects(comparisons: Comparisons, levels: Levels) -> npt.NDArray[np.float64]:
    """Return the smallest detectable effect of each action, as a fraction of its steps, ``[n]``; 1 if there is none."""
    least = np.ones(comparisons.number)
    v = kuiper.least_scaled(levels.pair) / kuiper.scale(comparisons.effective)
    effects = kuiper.unbiased(v, comparisons.effective)[:, None] * comparisons.shares
    np.minimum.at(least, comparisons.pairs, effects)
    return least


def compare(
    actions: Integers,
    available: npt.NDArray[np.bool_],
    counts: npt.NDArray[np.bool_],
    levels: Levels,
    ended: npt.NDArray[np.float64] | None = None,
) -> Comparisons:
    """Arrange one agent's transitions.

    Args:
        actions: actions taken, ``[N]``.
        available: available actions, ``[N, n]``.
        counts: whether to include each transition, ``[N]``.
        levels: significance levels; pairs with too few transitions to reach ``levels.within`` are left out.
        ended: fraction of transitions of the first action, with the second available, that are missing because the
            episode ended, ``[n, n]``; pairs with 1 are not compared.

    Example:
        >>> any_level = Levels(0.0, 0.0, 0.0)
        >>> counted = np.array([True, True, True, False])
        >>> comparisons = compare(np.array([0, 1, 0, 1]), np.ones((4, 2), dtype=bool), counted, any_level)
        >>> comparisons.pairs.tolist(), comparisons.lists.sizes.tolist(), comparisons.effective.round(2).tolist()
        ([[0, 1]], [2, 1], [0.67])
    """
    number = available.shape[1]
    list_index: dict[tuple[int, int], int] = {}
    lists: list[Integers] = []
    taken = [np.flatnonzero(counts & (actions == a)) for a in range(number)]
    for a, own in enumerate(taken):
        list_of_mask: dict[bytes, int] = {}
        others = available[own]
        ever, always = np.any(others, axis=0), np.all(others, axis=0)
        for b in np.flatnonzero(ever).tolist():
            if b == a:
                continue
            key = b"" if always[b] else others[:, b].tobytes()
            if key not in list_of_mask:
                list_of_mask[key] = len(lists)
                lists.append(own[others[:, b]])
            list_index[a, b] = list_of_mask[key]
    excluded = np.zeros((number, number), dtype=bool) if ended is None else ended >= 1.0
    both_ways = [(a, b) for a, b in list_index if a < b and (b, a) in list_index and not excluded[a, b]]
    pairs = np.array(both_ways, dtype=np.int64).reshape(-1, 2)
    which = np.array([(list_index[a, b], list_index[b, a]) for a, b in both_ways], dtype=np.int64).reshape(-1, 2)
    sizes = np.array([len(rows) for rows in lists], dtype=np.int64)
    smallest_log_p = _smallest_log_p(sizes[which])
    rare = [a for a in np.unique(pairs[smallest_log_p > levels.pair]) if len(taken[a]) and not excluded[a].any()]
    pairs, which = pairs[smallest_log_p <= levels.within], which[smallest_log_p <= levels.within]
    used_lists, which = np.unique(which, return_inverse=True)
    which, sizes = which.reshape(-1, 2), sizes[used_lists]
    n, m = sizes[which].T.astype(np.float64)
    return Comparisons(
        number=number,
        lists=Lists.of([lists[k] for k in used_lists]),
        pairs=pairs,
        which=which,
        shares=sizes[which] / np.maximum([[len(taken[a]) for a in pair] for pair in pairs.tolist()] or 1.0, 1.0),
        effective=n * m / (n + m),
        rests=_rest_comparisons(taken, rare, available, counts),
        sample=np.concatenate([_evenly_spread(own, SAMPLE // number + 1) for own in taken]),
        ended=None if ended is None else ended[pairs, pairs[:, ::-1]],
    )


def _evenly_spread(rows: Integers, number: int) -> Integers:
    """Return at most ``number`` of ``rows``, evenly spread."""
    return rows if len(rows) <= number else rows[np.linspace(0, len(rows) - 1, number).astype(np.int64)]


def _rest_comparisons(
    taken: list[Integers], rare: list[int], available: npt.NDArray[np.bool_], counts: npt.NDArray[np.bool_]
) -> RareComparisons:
    choices = available.sum(axis=1)
    # A step without alternatives tells where the agent was, not what its action did.
    own = [rows[choices[rows] > 1] for rows in (taken[a] for a in rare)]
    others = []
    for a in rare:
        candidates = counts & available[:, a] & (choices > 1)
        candidates[taken[a]] = False
        others.append(np.flatnonzero(candidates))
    weights = [1.0 / (choices[rows] - 1.0) for rows in others]
    n = np.array([len(rows) for rows in own], dtype=np.float64)
    m = np.array([weight.sum() ** 2 / max((weight**2).sum(), 1e-300) for weight in weights])
    usable = np.flatnonzero((m > 0.0) & (n > 0.0))
    return RareComparisons(
        actions=np.array(rare, dtype=np.int64)[usable],
        own=Lists.of([own[k] for k in usable]),
        others=Lists.of([others[k] for k in usable], [weights[k] for k in usable]),
        effective=n[usable] * m[usable] / (n[usable] + m[usable]),
    )


def _smallest_log_p(sizes: Integers) -> npt.NDArray[np.float64]:
    """Return the log of the smallest p-value that samples of these sizes ``[P, 2]`` can reach, ``[P]``."""
    n, m = sizes.T
    table = kuiper.log_factorials(int((n + m).max(initial=1)))
    fisher_log_p = kuiper.fisher_log_p(n, n, np.zeros_like(m), m, table)
    return np.minimum(fisher_log_p, kuiper.log_tail(kuiper.scale(n * m / (n + m))))  # type: ignore[no-any-return]
