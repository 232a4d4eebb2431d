"""Evidence for the influence values of a scope: their significance, and the smallest detectable effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isa_wrappers.checks import check_numbers
from isa_wrappers.errors import InvalidValueError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Significance of estimated influence values.

    Attributes:
        log_p: log of the probability of an effect this strong anywhere in a scope if no agent moves anything, at most
            0, ``[A, n, K]``.
        taken: number of transitions in which the agent took the action, ``[A, n]``.
        least: smallest influence that would be significant in a dimension that also changes by itself, ``[A, n]`` in
            [0, 1]; 1 if there is none.

    Raises:
        InvalidValueError: if the shapes do not match or numbers are out of range.

    Example:
        >>> evidence = Evidence(np.zeros((1, 2, 3)), [[50, 60]], [[0.3, 0.2]])
        >>> evidence.taken.tolist()
        [[50, 60]]
    """

    log_p: npt.NDArray[np.float64]
    taken: npt.NDArray[np.int64]
    least: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        log_p, taken, least = (check_numbers(name, getattr(self, name)) for name in ("log_p", "taken", "least"))
        if log_p.ndim != 3 or taken.shape != log_p.shape[:2] or least.shape != taken.shape:
            shapes = [list(array.shape) for array in (log_p, taken, least)]
            raise InvalidValueError(f"evidence needs log_p [A, n, K] with taken and least [A, n], got {shapes}")
        if not (log_p <= 0.0).all() or not (taken >= 0).all() or not ((least >= 0.0) & (least <= 1.0)).all():
            raise InvalidValueError("evidence needs log_p at most 0, taken at least 0 and least in [0, 1], without NaN")
        for name, array in (("log_p", log_p), ("taken", taken), ("least", least)):
            array = np.array(array, dtype=np.int64 if name == "taken" else np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)


@dataclass(frozen=True, eq=False)
class Measured:
    """The result of an estimator.

    Attributes:
        figures: influence values, ``[A, n, K]`` in [0, 1].
        evidence: their significance, if the estimator provides it.
    """

    figures: npt.NDArray[np.float64]
    evidence: Evidence | None = None


@dataclass(frozen=True)
class EffectEstimates:
    """Results for B agents: figures and log p ``[B, n, K]``, taken and least ``[B, n]``, as in ``Evidence``."""

    figures: Floats
    log_p: Floats
    taken: npt.NDArray[np.int64]
    least: Floats

    @classmethod
    def empty(cls, agents: int, number: int, size: int) -> EffectEstimates:
        """Return an empty result."""
        figures, log_p = np.zeros((2, agents, number, size))
        return cls(figures, log_p, np.zeros((agents, number), dtype=np.int64), np.ones((agents, number)))

    def active(self, part: npt.NDArray[np.bool_]) -> Floats:
        """Return the fraction of steps in which each agent moves anything in its ``part`` ``[B, 1, K]``, ``[B]``."""
        active: Floats = np.where(part, self.figures, 0.0).max(axis=(1, 2), initial=0.0)
        return active

    def relative(self, part: npt.NDArray[np.bool_], active: Floats) -> EffectEstimates:
        """Return figures relative to the steps ``[B]`` in which the agent moves anything, 0 outside ``part``."""
        whole = np.where(active > 0.0, active, 1.0)[:, None, None]
        figures = np.where(part, np.minimum(self.figures / whole, 1.0), 0.0)
        least = np.minimum(self.least / whole[..., 0], 1.0)
        return EffectEstimates(figures, np.where(part, self.log_p, 0.0), self.taken, least)
