"""The interval effect: the share of steps in which another choice would have changed the outcome."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from isa_wrappers.config import SettledScope
from isa_wrappers.scope.comparisons import Levels, compare
from isa_wrappers.scope.differences import CELLS, Version, credited, differences
from isa_wrappers.scope.estimators import Estimator, Information
from isa_wrappers.scope.ranks import BINS, rank_bins
from isa_wrappers.scope.residuals import TeamFit
from isa_wrappers.scope.transitions import Transitions
from isa_wrappers.scope.variables import Variable, by_elementary_action, choices, singles, whole_actions

ALPHA = 0.05
"""Chance that anything at all in a scope is there by chance."""
RARE = 0.001
"""Chance that a rare action which surely differs from all others is said to differ from one that it is like."""
NEGLIGIBLE = 0.01
"""Who shifts a dimension by less than this share of what the strongest agent does has no part in it."""
LATE = 0.5
"""What first shows after several steps counts where it shows in this share of the steps in which the agent moves
anything: what a mechanism does later it does nearly always; what follows in a roundabout way (who walks on is shot at)
depends on much else. An agent's longer changes are looked at until a length adds no dimension to its scope, and only
for dimensions that it lacks: which action moves one is best seen at once."""
LATER_CELLS = 100_000_000
"""Transitions times dimensions times agents that are looked at over several steps: such changes overlap and what counts
of them is large, so that in large problems a random part of them will do."""
ROUNDING = {"float32": 4 * 2.0**-23, "float64": 2.0**-40}
"""A change of less than this share of a dimension's largest value is rounding: some of float32, thousands of float64,
for what an environment adds up itself."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """What was seen of changes over w steps.

    Attributes:
        states: ``[N, K]`` before.
        changes: ``[N, D]`` of the dimensions that ever changed; exactly 0 where nothing did.
        dims: ``[D]`` which dimensions those are.
        grain: ``[D]`` differences that are rounding.
        actions: ``[N, V]`` what was chosen of each variable, by default each agent's action; -1 where it did not act.
        available: ``[N, V, m]``.
        counts: ``[N, V]`` bool: it was chosen freely.
        variables: V of them, where actions are more than a number; see :mod:`isa_wrappers.scope.variables`.
        amounts: which variables are ranges -> ``[N]`` where in them it was.
    """

    states: npt.NDArray[np.floating[Any]]
    changes: Floats
    dims: npt.NDArray[np.int64]
    grain: Floats
    actions: npt.NDArray[np.int64]
    available: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.bool_]
    variables: tuple[Variable, ...] = ()
    amounts: Mapping[int, Floats] = field(default_factory=dict)


class IntervalEffect(Estimator):
    r"""The share of steps in which another choice of agent i's would have made another outcome of dimension k.

    For two actions a and b, over transitions in which both were available (so that either was as likely), it is the
    largest difference, over all intervals, of the probabilities that the change lies in the interval: Kuiper's
    distance V of the two samples, less what chance makes of it, ``e = sqrt(max(0, V^2 - (pi^2/6)/n_e))``. There are no
    bins, and units do not matter. V is taken of the change itself and of what a fit on the state and the teammates'
    actions leaves of it; "no change" is compared by Fisher's exact test too, which finds rare effects that V does not.
    Only what chance would make in fewer than 1 in 20 *scopes* counts (Bonferroni over everything that is compared).

    Of two actions that differ, :func:`~isa_wrappers.scope.movers.credit` says which one moves k. An action's figure is
    the largest e that it is credited with, times the share of its steps in which the other action was available.
    It is told as a share of the steps in which the agent moves anything (its largest figure of all dimensions). Who
    moves a dimension by less than a hundredth of what the strongest agent moves it has no part in it.

    Effects that come late are found in changes over 2, 4, 8 steps, see :data:`LATE`.

    Args:
        collect: ``all_at_once`` or ``one_at_a_time``.

    Example:
        >>> from isa_wrappers import ScopeConfig, estimate_scope
        >>> from isa_wrappers.envs import make_batch
        >>> config = ScopeConfig(transitions=2_000, estimator="interval_effect")
        >>> estimate_scope(make_batch("grid/shooting", num_envs=8), config).common_dims
        [6]
    """

    figure: ClassVar[str] = "interval effect"
    takes_components: ClassVar[bool] = True
    transitions = 10_000
    delta = 0.1
    window = 8

    def __init__(self, collect: str = "all_at_once") -> None:
        self.collect = collect

    def estimate(self, transitions: list[Transitions], config: SettledScope, num_actions: int) -> Information:
        """Return ``[A, n, K]``: the largest over changes of 1, 2, 4, ... and W steps, see :data:`LATE`."""
        agents, size = transitions[0].valid.shape[-1], transitions[0].states.shape[-1]
        figures, strongest = np.zeros((agents, num_actions, size)), np.zeros(size)
        widths = lengths(config.window)
        looking = np.arange(agents)
        for width in widths:
            window = gather(transitions, width, 1.0 if width == 1 else _share(transitions))
            if not len(window.changes) or not len(looking):
                break
            found = self._over(window, len(widths), looking, num_actions, strongest)
            had = np.any(figures[looking] > self.delta, axis=1)
            if width > 1:
                found = np.where(had[:, None] | (found < LATE), 0.0, found)
            figures[looking] = np.maximum(figures[looking], found)
            moved = np.any(figures[looking] > self.delta, axis=1)
            looking = looking[(moved & ~had).any(axis=1) | ~moved.any(axis=1)]
        return figures

    def _over(
        self, window: Window, windows: int, who: npt.NDArray[np.int64], number: int, strongest: Floats
    ) -> Information:
        """Return ``[len(who), n, K]`` for changes over one number of steps.

        Args:
            window: what was seen.
            windows: how many such there are at most.
            who: the agents that are looked at.
            number: n.
            strongest: ``[K]`` how far any agent moves each dimension; kept up to date.
        """
        count, values = window.available.shape[1:]
        variables = window.variables or whole_actions(count, values)
        fit = TeamFit(window.states, window.changes, window.actions[:, : singles(variables)], window.amounts)
        levels = significance(windows * count * len(strongest), values, fit.usable)
        asked = [v for v, variable in enumerate(variables) if variable.agent in who]
        found = np.zeros((2, count, values, len(strongest)))

        def one(v: int) -> None:
            left = fit.without(*variables[v].parts) if fit.usable else None
            both = agent_effects(window, v, left, levels, self.delta)
            found[0, v][:, window.dims], found[1, v][:, window.dims] = both

        with ThreadPoolExecutor(min(len(asked), os.cpu_count() or 1)) as pool:
            list(pool.map(one, asked))
        shape = max(variable.agent for variable in variables) + 1, number, len(strongest)
        effects, shifts = by_elementary_action(variables, found, shape)[:, who]
        active = effects.max(axis=(1, 2), keepdims=True)
        largest = shifts.max(axis=1)
        np.maximum(strongest, largest.max(axis=0), out=strongest)
        reach = largest / np.where(strongest > 0.0, strongest, 1.0)
        shares = np.minimum(effects / np.where(active > 0.0, active, 1.0), 1.0)
        return np.where(reach[:, None] < NEGLIGIBLE, 0.0, shares)


def _share(transitions: list[Transitions]) -> float:
    """Return which share of the changes over several steps is looked at."""
    cells = sum(part.states.size for part in transitions) * transitions[0].valid.shape[-1]
    return float(LATER_CELLS / max(cells, 1))


def lengths(window: int) -> list[int]:
    """Return over how many steps changes are looked at: 1, 2, 4, ... and W.

    Example:
        >>> lengths(8), lengths(6)
        ([1, 2, 4, 8], [1, 2, 4, 6])
    """
    return [*(2**power for power in range(int(window - 1).bit_length())), window]


def significance(cells: int, number: int, fitted: bool) -> Levels:
    """Return the levels at which nothing at all in ``cells`` cells of n actions is there by chance, but 1 time in 20.

    Half of that chance is for pairs of actions, half for rare actions against all others.
    """
    versions = 2 if fitted else 1
    pairs = cells * number * max(number - 1, 1) / 2 * (versions + 1)  # one more is Fisher's
    rests = cells * number * versions
    within = RARE / max(number - 1, 1)
    return Levels(*(float(np.log(p)) for p in (ALPHA / 2 / pairs, ALPHA / 2 / rests, within)))


def gather(transitions: list[Transitions], width: int, share: float = 1.0) -> Window:
    """Collect the changes over ``width`` steps that begin and end in one episode, or a random share of them."""
    rng = np.random.default_rng(width)
    columns: list[list[Any]] = [[], [], [], [], [], []]
    for part in transitions:
        steps = max(0, len(part.actions) - width + 1)
        start, end = slice(0, steps), slice(width - 1, width - 1 + steps)
        kept = part.episode[start] == part.episode[end][: len(part.episode[start])]
        if share < 1.0:
            kept &= rng.random(kept.shape) < share
        acted = part.valid[start][kept]
        columns[0].append(part.states[start][kept])
        columns[1].append(part.next_states[end][kept])
        columns[2].append(part.actions[start][kept])
        columns[3].append(part.available[start][kept])
        columns[4].append(acted)
        columns[5].append(acted & np.broadcast_to(part.free, part.valid.shape)[start][kept])
    states, after, *what = (np.concatenate(column) for column in columns)
    largest = np.maximum(np.abs(states).max(axis=0, initial=0.0), np.abs(after).max(axis=0, initial=0.0))
    grain = largest * ROUNDING[states.dtype.name]
    changes = after.astype(np.float64) - states
    changes[np.abs(changes) <= grain] = 0.0
    dims = np.flatnonzero(changes.any(axis=0))
    chosen = choices(transitions[0].code, *what)
    return Window(states, changes[:, dims], dims, grain[dims].astype(np.float64), **vars(chosen))


def agent_effects(
    window: Window,
    i: int,
    left: Callable[[slice], Floats] | None,
    levels: Levels,
    theta: float,
) -> tuple[Floats, Floats]:
    """Return the effects and shifts ``[n, D]`` of agent i's actions, or of variable i's values.

    Args:
        window: what was seen.
        i: the agent or variable; only transitions that count for it are compared.
        left: gives, for some dimensions, the changes less what state and teammates tell; ``None`` where no fit is.
        levels: of significance.
        theta: share of the largest effect from which two actions count as unlike.
    """
    made = compare(window.actions[:, i], window.available[:, i], window.counts[:, i], levels)
    number, size = window.available.shape[-1], window.changes.shape[1]
    ordered = bool(window.variables) and window.variables[i].ordered
    effects, shifts = np.zeros((number, size)), np.zeros((number, size))
    if not len(made.pairs):
        return effects, shifts
    at_once = max(1, CELLS // max(BINS * len(made.lists.sizes), len(made.lists.rows), number * number * 4))
    for first in range(0, size, at_once):
        dims = slice(first, first + at_once)
        changes, grain = window.changes[:, dims], window.grain[dims]
        versions = [_version(changes, changes, grain, made.sample)]
        if left is not None:
            rest = left(dims)
            versions.append(_version(rest, rest + changes.mean(axis=0), grain, made.sample))
        found = differences(made, versions, levels)
        shape = number, len(versions[0].ends)
        effects[:, dims], shifts[:, dims] = credited(made, found, shape, theta, ordered)
    return effects, shifts


def _version(compared: Floats, values: Floats, grain: Floats, sample: npt.NDArray[np.int64]) -> Version:
    """Rank changes in whole grains: rounding errors must not part what is equal."""
    ranks, ends = rank_bins(np.rint(compared / grain).astype(np.float32), sample)
    return Version(ranks, ends * grain[:, None], values)


INTERVAL_EFFECT = IntervalEffect()
INTERVAL_EFFECT_IN_TURN = IntervalEffect("one_at_a_time")
