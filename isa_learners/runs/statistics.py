"""Medians, means and interquartile means over seeds, with bootstrap intervals.

A seed is a sample; an evaluation is not. Tasks are strata: each is resampled separately.

Source: Agarwal et al., 2021 (arXiv 2108.13264). Intervals come from ``scipy.stats.bootstrap``, as rliable, the
library of that paper, pins a version of ``arch`` that does not work with pandas 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isa_wrappers.errors import InvalidValueError, MissingDependencyError

Values = npt.NDArray[np.float64]
RESAMPLES = 2_000
CONFIDENCE = 0.95
NEEDS_SCIPY = "statistics over seeds need scipy: pip install 'isa-marl[plot]'"


class Estimate(NamedTuple):
    """A statistic and its 95 % interval; with one seed, the interval is the value itself."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def iqm(values: Values, axis: int = -1) -> Values:
    """Return the interquartile mean: the mean without the lowest and the highest quarter of values.

    Raises:
        MissingDependencyError: if scipy is missing.

    Example:
        >>> float(iqm(np.array([0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0])))
        1.0
    """
    try:
        from scipy.stats import trim_mean
    except ImportError as error:
        raise MissingDependencyError(NEEDS_SCIPY) from error
    return np.asarray(trim_mean(values, 0.25, axis=axis))


def median(values: Values, axis: int = -1) -> Values:
    """Return the median."""
    return np.asarray(np.median(values, axis=axis))


def mean(values: Values, axis: int = -1) -> Values:
    """Return the mean."""
    return np.asarray(np.mean(values, axis=axis))


STATISTICS: Mapping[str, Callable[..., Values]] = {"median": median, "mean": mean, "iqm": iqm}


def estimate(strata: Sequence[Any], statistic: Callable[..., Values] = iqm, seed: int = 0) -> Estimate:
    """Return a statistic over all runs of all strata, with a stratified bootstrap interval.

    The median of several tasks is that of all runs, whereas rliable takes the median over the means of tasks.

    Args:
        strata: values ``[seeds]`` for each task.
        statistic: function of values along an axis.
        seed: seed of the bootstrap.

    Raises:
        InvalidValueError: if a stratum is empty.

    Example:
        >>> print(estimate([[0.2, 0.9, 1.0, 1.0, 1.0]], median))
        1.00 [0.20, 1.00]
    """

    def of_all(*parts: Values, axis: int = -1) -> Values:
        return statistic(np.concatenate(parts, axis=axis), axis=axis)

    return _bootstrap(_checked(strata), of_all, seed)


def probability_of_improvement(first: Sequence[Any], second: Sequence[Any], seed: int = 0) -> Estimate:
    """Return the probability that a run of ``first`` beats a run of ``second``, as mean over tasks; ties count half.

    Args:
        first: values ``[seeds]`` for each task.
        second: values ``[seeds]`` of the other side for each task.
        seed: seed of the bootstrap.

    Raises:
        InvalidValueError: if the numbers of tasks differ, or a task has no values.
        MissingDependencyError: if scipy is missing.

    Example:
        >>> print(probability_of_improvement([[1.0, 1.0]], [[0.0, 1.0]]))
        0.75 [0.50, 1.00]
    """
    if len(first) != len(second):
        raise InvalidValueError(f"both must hold the same number of tasks, got {len(first)} and {len(second)}")

    def of_all(*parts: Values, axis: int = -1) -> Values:
        first_parts, second_parts = parts[: len(first)], parts[len(first) :]
        wins = []
        for x, y in zip(first_parts, second_parts, strict=True):
            signs = np.sign(np.expand_dims(np.moveaxis(x, axis, -1), -1) - np.expand_dims(np.moveaxis(y, axis, -1), -2))
            wins.append(0.5 + 0.5 * signs.mean(axis=(-1, -2)))
        return np.asarray(np.mean(wins, axis=0))

    return _bootstrap([*_checked(first), *_checked(second)], of_all, seed)


def profile(strata: Sequence[Any], thresholds: Values) -> Values:
    """Return the share of runs whose value is above each of ``thresholds``: a performance profile.

    Example:
        >>> profile([[0.2, 0.6], [1.0, 0.9]], np.array([0.0, 0.5, 0.95])).tolist()
        [1.0, 0.75, 0.25]
    """
    values = np.concatenate(_checked(strata))
    return np.asarray((values > np.asarray(thresholds)[:, None]).mean(axis=1))


def bands(values: Values, statistic: Callable[..., Values] = iqm, seed: int = 0) -> tuple[Values, Values, Values]:
    """Return a statistic of curves ``[seeds, points]`` and its 95 % interval, as three arrays ``[points]``.

    Each bootstrap sample of seeds covers the whole curve. NaN values are ignored.

    Example:
        >>> middle, low, high = bands(np.array([[0.0, 1.0], [0.0, 0.0], [0.0, 1.0]]), median)
        >>> middle.tolist(), low.tolist(), high.tolist()
        ([0.0, 1.0], [0.0, 0.0], [0.0, 1.0])
    """
    low, high = np.full((2, values.shape[1]), np.nan)
    tail = 50 * (1 - CONFIDENCE)
    for known, points in _known(values):
        subset = values[np.ix_(known, points)]
        drawn = np.random.default_rng(seed).integers(len(subset), size=(RESAMPLES // 4, len(subset)))
        spread = statistic(subset[drawn], axis=1)
        low[points], high[points] = np.percentile(spread, [tail, 100 - tail], axis=0)
    return middles(values, statistic), low, high


def middles(values: Values, statistic: Callable[..., Values] = iqm) -> Values:
    """Return a statistic of curves ``[seeds, points]`` at every point, ignoring NaN values.

    Example:
        >>> middles(np.array([[np.nan, 1.0], [np.nan, 0.0], [0.5, 0.5]]), median).tolist()
        [0.5, 0.5]
    """
    result = np.full(values.shape[1], np.nan)
    for known, points in _known(values):
        result[points] = statistic(values[np.ix_(known, points)], axis=0)
    return result


def _known(values: Values) -> Iterator[tuple[Any, Any]]:
    """Yield each set of curves that have values at the same points, and these points."""
    sets, set_index = np.unique(~np.isnan(values), axis=1, return_inverse=True)
    for index, known in enumerate(sets.T):
        if known.any():
            yield known, set_index.ravel() == index


def _checked(strata: Sequence[Any]) -> list[Values]:
    parts = [np.asarray(part, dtype=np.float64) for part in strata]
    if not parts or any(part.ndim != 1 or not part.size for part in parts):
        raise InvalidValueError(f"every task must have a value for at least one seed, got {list(map(list, strata))}")
    return parts


def _bootstrap(parts: list[Values], statistic: Callable[..., Values], seed: int) -> Estimate:
    value = float(statistic(*parts))
    if max(map(len, parts)) < 2:
        return Estimate(value, value, value)
    try:
        from scipy.stats import bootstrap
    except ImportError as error:
        raise MissingDependencyError(NEEDS_SCIPY) from error

    def of_drawn(*drawn: Values, axis: int = -1) -> Values:
        """Reinsert the strata with one seed, which scipy cannot resample."""
        rest, leading = iter(drawn), drawn[0].shape[:-1]
        samples = [next(rest) if len(part) > 1 else np.broadcast_to(part, (*leading, 1)) for part in parts]
        return statistic(*samples, axis=axis)

    drawn = bootstrap(
        [part for part in parts if len(part) > 1],
        of_drawn,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
        vectorized=True,
    ).confidence_interval
    return Estimate(value, float(drawn.low), float(drawn.high))
