"""Threshold rules, which determine delta from an estimate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from isa_wrappers.config import SettledScope
from isa_wrappers.registry import Registry
from isa_wrappers.scope.definitions import Threshold
from isa_wrappers.scope.estimators import ESTIMATORS

ThresholdRule = Callable[[npt.NDArray[np.float64], SettledScope], Threshold]
"""(influence values ``[A, n, K]``, configuration) -> delta in [0, 1)."""

THRESHOLD_RULES: Registry[ThresholdRule] = Registry(
    "threshold rule",
    "isa_marl.threshold_rules",
    {"fixed": "isa_wrappers.scope.thresholds:fixed", "usual": "isa_wrappers.scope.thresholds:usual"},
    Callable,
)
"""The threshold rules by name; add others with entry points or :meth:`Registry.register`."""


def fixed(figures: npt.NDArray[np.float64], config: SettledScope) -> float:
    """Return delta of the configuration, independently of the estimate; by default it is that of the estimator.

    Example:
        >>> from isa_wrappers import ScopeConfig
        >>> figures, estimator = np.zeros((1, 2, 3)), ESTIMATORS["interval_effect"]
        >>> fixed(figures, estimator.settled(ScopeConfig())), fixed(figures, estimator.settled(ScopeConfig(delta=0.2)))
        (0.1, 0.2)
    """
    return config.delta


def usual(figures: npt.NDArray[np.float64], config: SettledScope) -> float:
    """Return the estimator's default threshold and ignore delta, for configurations of earlier versions.

    Example:
        >>> from isa_wrappers import ScopeConfig
        >>> usual(np.zeros((1, 2, 3)), ESTIMATORS["nmi_block"].settled(ScopeConfig(estimator="nmi_block", delta=0.2)))
        0.3
    """
    return ESTIMATORS[config.estimator].delta
