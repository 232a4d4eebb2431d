"""The interval effect: the share of steps in which another choice would have changed the outcome."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, backend, namespace, to_backend
from isa_wrappers.config import SettledScope
from isa_wrappers.scope.backends import beside, contiguous
from isa_wrappers.scope.comparisons import ALLOWED, Comparisons, Levels, compare, least_effects
from isa_wrappers.scope.differences import CELLS, Version, credited, differences
from isa_wrappers.scope.estimators import Estimator, Figures
from isa_wrappers.scope.evidence import Evidence, Floats, Found, Measured
from isa_wrappers.scope.ranks import BINS, rank_bins
from isa_wrappers.scope.residuals import TeamFit
from isa_wrappers.scope.rounding import in_grains
from isa_wrappers.scope.transitions import Transitions
from isa_wrappers.scope.variables import by_elementary_action, of_elementary_actions, singles, whole_actions
from isa_wrappers.scope.windows import Window, gather, lengths, share_of

RARE = 0.001
"""Chance that a rare action which surely differs from all others is said to differ from one that it is like."""
NEGLIGIBLE = 0.01
"""Who shifts a dimension by less than this share of what the strongest agent does has no part in it."""
LATE = 0.5
"""What first shows after several steps counts where it shows in this share of the steps in which the agent moves
anything: what a mechanism does later it does nearly always; what follows in a roundabout way (who walks on is shot at)
depends on much else. An agent's longer changes are looked at until a length adds no dimension to its scope, and only
for dimensions that it lacks: which action moves one is best seen at once."""
SMALL = 1_000_000
"""So many changes, of all dimensions, are compared faster without threads."""


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
        device: where ranks, distributions, distances and the fit are computed: ``None`` for NumPy, else with torch.
            What is found is the same; figures differ by rounding.

    Example:
        >>> from isa_wrappers import ScopeConfig, estimate_scope
        >>> from isa_wrappers.envs import make_batch
        >>> config = ScopeConfig(transitions=2_000, estimator="interval_effect")
        >>> estimate_scope(make_batch("grid/shooting", num_envs=8), config).common_dims
        [6]
    """

    figure: ClassVar[str] = "interval effect"
    takes_components = True
    transitions = 10_000
    stretches = 4
    delta = 0.1
    window = 8

    def __init__(self, collect: str = "all_at_once", device: str | None = None) -> None:
        backend(device)
        self.collect, self.device = collect, device

    def on(self, device: str | None) -> IntervalEffect:
        """Return the same with its heavy arithmetic on a torch device; ``None`` for NumPy."""
        return type(self)(self.collect, device)

    def estimate(self, transitions: list[Transitions], config: SettledScope, num_actions: int) -> Figures:
        """Return ``[A, n, K]``: the largest over changes of 1, 2, 4, ... and W steps, see :data:`LATE`."""
        return self.measure(transitions, config, num_actions).figures

    def measure(self, transitions: list[Transitions], config: SettledScope, num_actions: int) -> Measured:
        """Return the figures, and how sure they are."""
        agents, size = transitions[0].valid.shape[-1], transitions[0].states.shape[-1]
        found = Found.nothing(agents, num_actions, size)
        strongest, active = np.zeros(size), np.zeros(agents)
        widths = lengths(config.window)
        looking = np.arange(agents)
        for width in widths:
            window = gather(transitions, width, 1.0 if width == 1 else share_of(transitions))
            if not len(window.changes) or not len(looking):
                break
            over, part = self._over(window, len(widths), looking, num_actions, strongest)
            had = np.any(found.figures[looking] > config.delta, axis=1)
            # What the agent does meanwhile blurs all that it did: what it moves anyway tells how much.
            blurred, at_once = over.active(part & had[:, None]), active[looking]
            whole = np.where(blurred > 0.0, blurred, np.where(at_once > 0.0, at_once, over.active(part)))
            active[looking] = np.where(at_once > 0.0, at_once, whole)
            over = over.relative(part, whole)
            if width == 1:
                found = over
            else:
                late = ~had[:, None] & (over.figures >= LATE)
                found.figures[looking] = np.where(late, over.figures, found.figures[looking])
                found.log_p[looking] = np.where(late, over.log_p, found.log_p[looking])
            moved = np.any(found.figures[looking] > config.delta, axis=1)
            looking = looking[(moved & ~had).any(axis=1) | ~moved.any(axis=1)]
        return Measured(found.figures, Evidence(found.log_p, found.taken, found.least))

    def _over(
        self, window: Window, windows: int, who: npt.NDArray[np.int64], number: int, strongest: Floats
    ) -> tuple[Found, npt.NDArray[np.bool_]]:
        """Return what is found in changes over one number of steps, and ``[B, 1, K]`` what each agent has part in.

        Args:
            window: what was seen.
            windows: how many such there are at most.
            who: the agents that are looked at.
            number: n.
            strongest: ``[K]`` how far any agent moves each dimension; kept up to date.
        """
        count, values = window.available.shape[1:]
        variables = window.variables or whole_actions(count, values)
        changes, grain = (to_backend(array, self.device) for array in (window.changes, window.grain))
        fit = TeamFit(window.states, changes, window.actions[:, : singles(variables)], window.amounts)
        there = replace(window, changes=changes, grain=grain)
        whole = contiguous(in_grains(changes, grain[0]).T).T  # as ranks take them, a dimension at a time
        levels = significance(windows * count * len(strongest), values, fit.usable)
        parts = np.zeros((3, count, values, len(strongest)))
        taken, least = np.zeros((count, values), dtype=np.int64), np.ones((count, values))
        asked = [v for v, variable in enumerate(variables) if variable.agent in who]

        def one(v: int) -> None:
            left = fit.without(*variables[v].parts) if fit.usable else None
            ended = None if window.ended is None else window.ended[v]
            made = compare(window.actions[:, v], window.available[:, v], window.counts[:, v], levels, ended)
            for array, part in zip(parts, _effects(there, v, made, left, levels, self.delta, whole), strict=True):
                array[v][:, window.dims] = part
            least[v] = least_effects(made, levels)
            taken[v] = np.bincount(window.actions[window.counts[:, v], v], minlength=values)

        if changes.shape[0] * changes.shape[1] < SMALL:
            for v in asked:
                one(v)
        else:
            with ThreadPoolExecutor(min(len(asked), os.cpu_count() or 1)) as pool:
                list(pool.map(one, asked))
        np.negative(parts[2], out=parts[2])  # the surer, the larger
        shape = max(variable.agent for variable in variables) + 1, number, len(strongest)
        effects, shifts, certain = by_elementary_action(variables, parts, shape)[:, who]
        counted = (of_elementary_actions(variables, array, shape[:2])[who] for array in (taken, least))
        found = Found(effects, -certain, *counted)
        largest = shifts.max(axis=1)
        np.maximum(strongest, largest.max(axis=0), out=strongest)
        return found, has_part(largest, strongest)[:, None]


def significance(cells: int, number: int, fitted: bool) -> Levels:
    """Return the levels at which nothing at all in ``cells`` cells of n actions is there by chance, but 1 time in 20.

    Half of that chance is for pairs of actions, half for rare actions against all others.
    """
    versions = 2 if fitted else 1
    pairs = cells * number * max(number - 1, 1) / 2 * (versions + 1)  # one more is Fisher's
    rests = cells * number * versions
    within = RARE / max(number - 1, 1)
    return Levels(ALLOWED - math.log(pairs), ALLOWED - math.log(rests), math.log(within))


def has_part(largest: Floats, strongest: Floats) -> npt.NDArray[np.bool_]:
    """Tell ``[A, K]`` who shifts a dimension by no less than a hundredth of what the strongest agent does.

    Args:
        largest: ``[A, K]`` how far each agent shifts it.
        strongest: ``[K]`` how far any agent does.
    """
    return np.asarray(largest / np.where(strongest > 0.0, strongest, 1.0) >= NEGLIGIBLE)


def agent_effects(
    window: Window, i: int, left: Callable[[slice], Array] | None, levels: Levels, theta: float
) -> tuple[Floats, Floats]:
    """Return the effects and shifts ``[n, D]`` of agent i's actions, or of variable i's values.

    Args:
        window: what was seen.
        i: the agent; only transitions that count for it are compared.
        left: gives, for some dimensions, the changes less what state and teammates tell; ``None`` where no fit is.
        levels: of significance.
        theta: share of the largest effect from which two actions count as unlike.
    """
    made = compare(window.actions[:, i], window.available[:, i], window.counts[:, i], levels)
    whole = in_grains(window.changes, window.grain[0])
    effects, shifts, _ = _effects(window, i, made, left, levels, theta, whole)
    return effects, shifts


def _effects(
    window: Window,
    v: int,
    made: Comparisons,
    left: Callable[[slice], Array] | None,
    levels: Levels,
    theta: float,
    whole: Array,
) -> tuple[Floats, ...]:
    """Return the effects, shifts and log p ``[n, D]`` of a variable's values; ``whole`` are the changes in grains."""
    ordered = bool(window.variables) and window.variables[v].ordered
    number, size = window.available.shape[-1], window.changes.shape[1]
    parts = tuple(np.zeros((3, number, size)))
    if not len(made.pairs):
        return parts
    there, xp = beside(window.changes, made), namespace(window.changes)
    at_once = max(1, CELLS // max(BINS * len(made.lists.sizes), len(made.lists.rows), number * number * 4))
    for first in range(0, size, at_once):
        dims = slice(first, first + at_once)
        changes, (fine, coarse) = window.changes[:, dims], window.grain[:, dims]
        versions = [_version(whole[:, dims], changes, fine, there.sample)]
        if left is not None:
            rest = left(dims)
            values = rest + xp.mean(changes, axis=0)
            versions.append(_version(in_grains(rest, coarse), values, coarse, there.sample))
        found = differences(there, versions, levels)
        shape = number, len(versions[0].ends)
        for filled, part in zip(parts, credited(made, found, shape, theta, ordered), strict=True):
            filled[:, dims] = part
    return parts


def _version(compared: Array, values: Array, grain: Array, sample: Array) -> Version:
    ranks, ends = rank_bins(compared, sample)
    return Version(ranks, ends * grain[:, None], values)


INTERVAL_EFFECT = IntervalEffect()
INTERVAL_EFFECT_IN_TURN = IntervalEffect("one_at_a_time")
