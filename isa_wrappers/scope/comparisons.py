"""Pairs of one agent's actions under equal conditions: which transitions are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isa_wrappers.scope import kuiper
from isa_wrappers.scope.ranks import Lists

ALLOWED = float(np.log(0.05 / 2))
"""Log of the chance that anything at all in a scope is there by chance: half of 1 in 20 for each kind of test."""
SAMPLE = 2_048
"""Transitions of an agent that bins are fitted to."""
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Levels:
    """Logs of the levels of significance of single tests.

    Attributes:
        pair: of two actions.
        rest: of an action against all others.
        within: of two actions, of which one is known to differ from all others.
    """

    pair: float
    rest: float
    within: float


@dataclass(frozen=True)
class Rests:
    """Rare actions, each against all others that were taken where it was available.

    A transition of the others counts ``1 / (m - 1)`` where m actions were available: as often as the action was taken.

    Attributes:
        actions: ``[R]`` the rare ones.
        own: their transitions.
        others: the others', with their weights.
        effective: ``[R]`` n_e, of the weights' effective number (Kish).
    """

    actions: Integers
    own: Lists
    others: Lists
    effective: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparisons:
    """One agent's transitions, arranged for comparing its actions two by two.

    For actions a and b only transitions count in which both were available: then either was as likely, and what else
    differs between the samples is chance. Samples that many pairs share (all of a's transitions, where everything
    was available) are one list.

    Attributes:
        number: n, of actions.
        lists: L lists of transitions.
        pairs: ``[P, 2]`` the actions a < b of each pair.
        which: ``[P, 2]`` the list of a's transitions with b available, and of b's with a available.
        shares: ``[P, 2]`` the share of all of a's (b's) transitions that these are.
        effective: ``[P]`` n_e = n m / (n + m).
        rests: actions too rare for some pair to be told apart by itself.
        sample: transitions, about as many with each action: what a rare one does has its bins.
        ended: ``[P, 2]`` beside a's (b's) transitions, the share of those that an end of the episode kept from being
            among them; ``None`` where there are none.
    """

    number: int
    lists: Lists
    pairs: Integers
    which: Integers
    shares: npt.NDArray[np.float64]
    effective: npt.NDArray[np.float64]
    rests: Rests
    sample: Integers
    ended: npt.NDArray[np.float64] | None = None


def least_effects(made: Comparisons, levels: Levels) -> npt.NDArray[np.float64]:
    """Return ``[n]``: the smallest share of its steps in which an action could be seen to matter; 1 for none."""
    least = np.ones(made.number)
    v = kuiper.least_scaled(levels.pair) / kuiper.scale(made.effective)
    effects = kuiper.unbiased(v, made.effective)[:, None] * made.shares
    np.minimum.at(least, made.pairs, effects)
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
        actions: ``[N]`` what it did.
        available: ``[N, n]`` what it could have done.
        counts: ``[N]`` False leaves a transition out.
        levels: pairs with too few transitions to come to the last of them are left out.
        ended: ``[n, n]`` of the transitions that would be in the list of the first's with the second available, the
            share that an end of the episode kept out; pairs with 1 are not compared.

    Example:
        >>> any_level = Levels(0.0, 0.0, 0.0)
        >>> counted = np.array([True, True, True, False])
        >>> made = compare(np.array([0, 1, 0, 1]), np.ones((4, 2), dtype=bool), counted, any_level)
        >>> made.pairs.tolist(), made.lists.sizes.tolist(), made.effective.round(2).tolist()
        ([[0, 1]], [2, 1], [0.67])
    """
    number = available.shape[1]
    where: dict[tuple[int, int], int] = {}
    lists: list[Integers] = []
    taken = [np.flatnonzero(counts & (actions == a)) for a in range(number)]
    for a, own in enumerate(taken):
        known: dict[bytes, int] = {}
        others = available[own]
        ever, always = np.any(others, axis=0), np.all(others, axis=0)
        for b in np.flatnonzero(ever).tolist():
            if b == a:
                continue
            key = b"" if always[b] else others[:, b].tobytes()
            if key not in known:
                known[key] = len(lists)
                lists.append(own[others[:, b]])
            where[a, b] = known[key]
    apart = np.zeros((number, number), dtype=bool) if ended is None else ended >= 1.0
    both_ways = [(a, b) for a, b in where if a < b and (b, a) in where and not apart[a, b]]
    pairs = np.array(both_ways, dtype=np.int64).reshape(-1, 2)
    which = np.array([(where[a, b], where[b, a]) for a, b in both_ways], dtype=np.int64).reshape(-1, 2)
    sizes = np.array([len(one) for one in lists], dtype=np.int64)
    most = _most_certain(sizes[which])
    rare = [a for a in np.unique(pairs[most > levels.pair]) if len(taken[a]) and not apart[a].any()]
    pairs, which = pairs[most <= levels.within], which[most <= levels.within]
    kept, which = np.unique(which, return_inverse=True)
    which, sizes = which.reshape(-1, 2), sizes[kept]
    n, m = sizes[which].T.astype(np.float64)
    return Comparisons(
        number=number,
        lists=Lists.of([lists[k] for k in kept]),
        pairs=pairs,
        which=which,
        shares=sizes[which] / np.maximum([[len(taken[a]) for a in pair] for pair in pairs.tolist()] or 1.0, 1.0),
        effective=n * m / (n + m),
        rests=_against_the_rest(taken, rare, available, counts),
        sample=np.concatenate([_some(own, SAMPLE // number + 1) for own in taken]),
        ended=None if ended is None else ended[pairs, pairs[:, ::-1]],
    )


def _some(rows: Integers, number: int) -> Integers:
    """Return at most ``number`` of ``rows``, evenly spread."""
    return rows if len(rows) <= number else rows[np.linspace(0, len(rows) - 1, number).astype(np.int64)]


def _against_the_rest(
    taken: list[Integers], rare: list[int], available: npt.NDArray[np.bool_], counts: npt.NDArray[np.bool_]
) -> Rests:
    choices = available.sum(axis=1)
    # A step that left nothing else to do says where the agent was, not what its action did.
    own = [rows[choices[rows] > 1] for rows in (taken[a] for a in rare)]
    others = []
    for a in rare:
        open_to_it = counts & available[:, a] & (choices > 1)
        open_to_it[taken[a]] = False
        others.append(np.flatnonzero(open_to_it))
    weights = [1.0 / (choices[rows] - 1.0) for rows in others]
    n = np.array([len(rows) for rows in own], dtype=np.float64)
    m = np.array([weight.sum() ** 2 / max((weight**2).sum(), 1e-300) for weight in weights])
    found = np.flatnonzero((m > 0.0) & (n > 0.0))
    return Rests(
        actions=np.array(rare, dtype=np.int64)[found],
        own=Lists.of([own[k] for k in found]),
        others=Lists.of([others[k] for k in found], [weights[k] for k in found]),
        effective=n[found] * m[found] / (n[found] + m[found]),
    )


def _most_certain(sizes: Integers) -> npt.NDArray[np.float64]:
    """Return ``[P]`` the log of the least p that samples of these sizes ``[P, 2]`` can come to."""
    n, m = sizes.T
    table = kuiper.log_factorials(int((n + m).max(initial=1)))
    apart = kuiper.fisher_log_p(n, n, np.zeros_like(m), m, table)
    return np.minimum(apart, kuiper.log_tail(kuiper.scale(n * m / (n + m))))  # type: ignore[no-any-return]
