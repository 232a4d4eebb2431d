"""The interval effect: the fraction of steps in which another choice would have changed the outcome."""

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
from isa_wrappers.scope.backends import contiguous, to_device_of
from isa_wrappers.scope.comparisons import ALLOWED, Comparisons, Levels, compare, least_effects
from isa_wrappers.scope.differences import CELLS, Version, credited_effects, differences
from isa_wrappers.scope.estimators import Estimator, Figures
from isa_wrappers.scope.evidence import EffectEstimates, Evidence, Floats, Measured
from isa_wrappers.scope.ranks import BINS, rank_bins
from isa_wrappers.scope.residuals import TeamFit
from isa_wrappers.scope.rounding import in_grains
from isa_wrappers.scope.transitions import Transitions
from isa_wrappers.scope.variables import by_elementary_action, num_unconditional, of_elementary_actions, whole_actions
from isa_wrappers.scope.windows import Window, gather, lengths, share_of

RARE = 0.001
"""Probability that a rare action, known to differ from all others, is wrongly separated from an equivalent action."""
NEGLIGIBLE = 0.01
"""An agent that shifts a dimension by less than this fraction of the strongest agent's shift does not count for it."""
LATE = 0.5
"""An effect that appears only after several steps counts if it occurs in this fraction of the steps in which the agent
moves anything. A delayed mechanism works nearly always; an indirect consequence (an agent that walks on is shot at)
depends on much else. Longer changes of an agent are examined until a length adds no dimension to its scope, and only
for dimensions that it lacks, since immediate changes show best which action moves a dimension."""
SMALL = 1_000_000
"""Number of changes, over all dimensions, below which threads do not pay off."""


class IntervalEffect(Estimator):
    r"""The fraction of steps in which another choice of agent i would have changed the outcome in dimension k.

    For two actions a and b, over transitions in which both were available (and thus equally likely), it is the largest
    difference, over all intervals, between the probabilities that the change lies in the interval: Kuiper's distance V
    of the two samples, corrected for chance, ``e = sqrt(max(0, V^2 - (pi^2/6)/n_e))``. It needs no bins and does not
    depend on units. V is computed for the change itself and for the residuals of a fit on the state and the teammates'
    actions. Fisher's exact test also compares "no change", which finds rare effects that V misses. An effect counts
    only if chance causes one in fewer than 1 in 20 *scopes* (Bonferroni over all comparisons).

    If two actions differ, :func:`~isa_wrappers.scope.movers.credit` determines which one moves k. The influence of an
    action is the largest e that it is credited with, times the fraction of its steps in which the other action was
    available. It is given relative to the steps in which the agent moves anything (its largest value in any dimension).
    An agent that moves a dimension by less than a hundredth of the strongest agent's shift does not count for it.

    Delayed effects are found in changes over 2, 4, 8 steps, see :data:`LATE`.

    Args:
        collect: ``all_at_once`` or ``one_at_a_time``.
        device: device of the computation: ``None`` for NumPy, else a torch device. The scope is the same; values differ
            by rounding.

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
        """Return the same estimator with its computation on a torch device; ``None`` for NumPy."""
        return type(self)(self.collect, device)

    def estimate(self, transitions: list[Transitions], config: SettledScope, num_actions: int) -> Figures:
        """Return the largest effect over changes of 1, 2, 4, ... and W steps, ``[A, n, K]``, see :data:`LATE`."""
        return self.measure(transitions, config, num_actions).figures

    def measure(self, transitions: list[Transitions], config: SettledScope, num_actions: int) -> Measured:
        """Return the effects with their evidence."""
        agents, size = transitions[0].valid.shape[-1], transitions[0].states.shape[-1]
        estimates = EffectEstimates.empty(agents, num_actions, size)
        strongest, active = np.zeros(size), np.zeros(agents)
        widths = lengths(config.window)
        searching = np.arange(agents)
        for width in widths:
            window = gather(transitions, width, 1.0 if width == 1 else share_of(transitions))
            if not len(window.changes) or not len(searching):
                break
            window_estimates, counted = self._window_effects(window, len(widths), searching, num_actions, strongest)
            already_inside = np.any(estimates.figures[searching] > config.delta, axis=1)
            # Later actions of the agent blur the effect; the known effects show by how much.
            blurred, immediate = window_estimates.active(counted & already_inside[:, None]), active[searching]
            active_share = np.where(
                blurred > 0.0, blurred, np.where(immediate > 0.0, immediate, window_estimates.active(counted))
            )
            active[searching] = np.where(immediate > 0.0, immediate, active_share)
            window_estimates = window_estimates.relative(counted, active_share)
            if width == 1:
                estimates = window_estimates
            else:
                late = ~already_inside[:, None] & (window_estimates.figures >= LATE)
                estimates.figures[searching] = np.where(late, window_estimates.figures, estimates.figures[searching])
                estimates.log_p[searching] = np.where(late, window_estimates.log_p, estimates.log_p[searching])
            inside = np.any(estimates.figures[searching] > config.delta, axis=1)
            searching = searching[(inside & ~already_inside).any(axis=1) | ~inside.any(axis=1)]
        return Measured(estimates.figures, Evidence(estimates.log_p, estimates.taken, estimates.least))

    def _window_effects(
        self, window: Window, windows: int, examined_agents: npt.NDArray[np.int64], number: int, strongest: Floats
    ) -> tuple[EffectEstimates, npt.NDArray[np.bool_]]:
        """Return the effects in changes over one number of steps, and the dimensions that count for each agent.

        Args:
            window: the changes.
            windows: maximum number of windows.
            examined_agents: indices of the agents to examine.
            number: number of actions, n.
            strongest: largest shift of each dimension by any agent, ``[K]``; updated in place.
        """
        count, values = window.available.shape[1:]
        variables = window.variables or whole_actions(count, values)
        changes, grain = (to_backend(array, self.device) for array in (window.changes, window.grain))
        fit = TeamFit(window.states, changes, window.actions[:, : num_unconditional(variables)], window.amounts)
        window_on_device = replace(window, changes=changes, grain=grain)
        rounded = contiguous(in_grains(changes, grain[0]).T).T  # contiguous per dimension, for the ranks
        levels = significance(windows * count * len(strongest), values, fit.usable)
        parts = np.zeros((3, count, values, len(strongest)))
        taken, least = np.zeros((count, values), dtype=np.int64), np.ones((count, values))
        examined = [v for v, variable in enumerate(variables) if variable.agent in examined_agents]

        def examine(v: int) -> None:
            residuals = fit.without(*variables[v].parts) if fit.usable else None
            ended = None if window.ended is None else window.ended[v]
            comparisons = compare(window.actions[:, v], window.available[:, v], window.counts[:, v], levels, ended)
            for array, part in zip(
                parts, _effects(window_on_device, v, comparisons, residuals, levels, self.delta, rounded), strict=True
            ):
                array[v][:, window.dims] = part
            least[v] = least_effects(comparisons, levels)
            taken[v] = np.bincount(window.actions[window.counts[:, v], v], minlength=values)

        if changes.shape[0] * changes.shape[1] < SMALL:
            for v in examined:
                examine(v)
        else:
            with ThreadPoolExecutor(min(len(examined), os.cpu_count() or 1)) as pool:
                list(pool.map(examine, examined))
        np.negative(parts[2], out=parts[2])  # larger means more significant
        shape = max(variable.agent for variable in variables) + 1, number, len(strongest)
        effects, shifts, neg_log_p = by_elementary_action(variables, parts, shape)[:, examined_agents]
        counted = (of_elementary_actions(variables, array, shape[:2])[examined_agents] for array in (taken, least))
        estimates = EffectEstimates(effects, -neg_log_p, *counted)
        largest = shifts.max(axis=1)
        np.maximum(strongest, largest.max(axis=0), out=strongest)
        return estimates, is_relevant(largest, strongest)[:, None]


def significance(cells: int, number: int, fitted: bool) -> Levels:
    """Return the levels for a probability of 0.05 of any false positive in ``cells`` cells with n actions.

    Half of this probability is for pairs of actions, half for rare actions compared with all others.
    """
    versions = 2 if fitted else 1
    pairs = cells * number * max(number - 1, 1) / 2 * (versions + 1)  # plus Fisher's test
    rests = cells * number * versions
    within = RARE / max(number - 1, 1)
    return Levels(ALLOWED - math.log(pairs), ALLOWED - math.log(rests), math.log(within))


def is_relevant(largest: Floats, strongest: Floats) -> npt.NDArray[np.bool_]:
    """Return which agents shift a dimension by at least a hundredth of the strongest agent's shift, ``[A, K]``.

    Args:
        largest: largest shift by each agent, ``[A, K]``.
        strongest: largest shift by any agent, ``[K]``.
    """
    return np.asarray(largest / np.where(strongest > 0.0, strongest, 1.0) >= NEGLIGIBLE)


def agent_effects(
    window: Window, i: int, residuals: Callable[[slice], Array] | None, levels: Levels, theta: float
) -> tuple[Floats, Floats]:
    """Return the effects and shifts ``[n, D]`` of agent i's actions, or of variable i's values.

    Args:
        window: the changes.
        i: the agent; only transitions that count for it are compared.
        residuals: function that returns the residuals for some dimensions; ``None`` without a fit.
        levels: significance levels.
        theta: fraction of the largest effect from which two actions count as different.
    """
    comparisons = compare(window.actions[:, i], window.available[:, i], window.counts[:, i], levels)
    rounded = in_grains(window.changes, window.grain[0])
    effects, shifts, _ = _effects(window, i, comparisons, residuals, levels, theta, rounded)
    return effects, shifts


def _effects(
    window: Window,
    v: int,
    comparisons: Comparisons,
    residuals: Callable[[slice], Array] | None,
    levels: Levels,
    theta: float,
    rounded: Array,
) -> tuple[Floats, ...]:
    """Return the effects, shifts and log p ``[n, D]`` of a variable's values; ``rounded`` are the changes in grains."""
    ordered = bool(window.variables) and window.variables[v].ordered
    number, size = window.available.shape[-1], window.changes.shape[1]
    parts = tuple(np.zeros((3, number, size)))
    if not len(comparisons.pairs):
        return parts
    comparisons_on_device, xp = to_device_of(window.changes, comparisons), namespace(window.changes)
    lists = comparisons.lists
    at_once = max(1, CELLS // max(BINS * len(lists.sizes), len(lists.rows), number * number * 4))
    for first in range(0, size, at_once):
        dims = slice(first, first + at_once)
        changes, (fine, coarse) = window.changes[:, dims], window.grain[:, dims]
        versions = [_version(rounded[:, dims], changes, fine, comparisons_on_device.sample)]
        if residuals is not None:
            rest = residuals(dims)
            values = rest + xp.mean(changes, axis=0)
            versions.append(_version(in_grains(rest, coarse), values, coarse, comparisons_on_device.sample))
        significant = differences(comparisons_on_device, versions, levels)
        shape = number, len(versions[0].ends)
        for result, part in zip(parts, credited_effects(comparisons, significant, shape, theta, ordered), strict=True):
            result[:, dims] = part
    return parts


def _version(compared: Array, values: Array, grain: Array, sample: Array) -> Version:
    ranks, ends = rank_bins(compared, sample)
    return Version(ranks, ends * grain[:, None], values)


INTERVAL_EFFECT = IntervalEffect()
INTERVAL_EFFECT_IN_TURN = IntervalEffect("one_at_a_time")
