"""What stands behind a scope's figures: how sure they are, and what would have been seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isa_wrappers.checks import check_numbers
from isa_wrappers.errors import InvalidValueError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """How sure an estimate's figures are.

    Attributes:
        log_p: ``[A, n, K]`` at most 0: log of the chance that anything as strong is found anywhere in a scope in which
            nobody moves anything.
        taken: ``[A, n]`` transitions in which the agent took the action.
        least: ``[A, n]`` in [0, 1]: the smallest figure that would have been told from chance, of a dimension that also
            changes by itself; 1 where none would.

    Raises:
        InvalidValueError: if shapes disagree or numbers lie outside their ranges.

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
    """What an estimator made of transitions.

    Attributes:
        figures: ``[A, n, K]`` in [0, 1].
        evidence: how sure they are, where the estimator knows.
    """

    figures: npt.NDArray[np.float64]
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Found:
    """What was found of B agents: figures and log p ``[B, n, K]``, taken and least ``[B, n]``, as in ``Evidence``."""

    figures: Floats
    log_p: Floats
    taken: npt.NDArray[np.int64]
    least: Floats

    @classmethod
    def nothing(cls, agents: int, number: int, size: int) -> Found:
        """Return that nothing was found."""
        figures, log_p = np.zeros((2, agents, number, size))
        return cls(figures, log_p, np.zeros((agents, number), dtype=np.int64), np.ones((agents, number)))

    def active(self, part: npt.NDArray[np.bool_]) -> Floats:
        """Return ``[B]``: in which share of its steps each moves anything that it has ``part`` ``[B, 1, K]`` in."""
        active: Floats = np.where(part, self.figures, 0.0).max(axis=(1, 2), initial=0.0)
        return active

    def relative(self, part: npt.NDArray[np.bool_], active: Floats) -> Found:
        """Return figures as shares of the steps ``[B]`` in which the agent moves anything, 0 outside ``part``."""
        whole = np.where(active > 0.0, active, 1.0)[:, None, None]
        figures = np.where(part, np.minimum(self.figures / whole, 1.0), 0.0)
        least = np.minimum(self.least / whole[..., 0], 1.0)
        return Found(figures, np.where(part, self.log_p, 0.0), self.taken, least)
