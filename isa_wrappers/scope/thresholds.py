"""Threshold rules: what delta is, given the estimate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from isa_wrappers.config import ScopeConfig
from isa_wrappers.registry import Registry
from isa_wrappers.scope.estimators import ESTIMATORS
from isa_wrappers.scope.influence import Threshold

ThresholdRule = Callable[[npt.NDArray[np.float64], ScopeConfig], Threshold]
"""Maps information ``[A, n, K]`` and the configuration to delta, from 0 to below 1."""

THRESHOLD_RULES: Registry[ThresholdRule] = Registry(
    "threshold rule",
    "isa_marl.threshold_rules",
    {"fixed": "isa_wrappers.scope.thresholds:fixed", "usual": "isa_wrappers.scope.thresholds:usual"},
)


def fixed(information: npt.NDArray[np.float64], config: ScopeConfig) -> float:
    """Return the configuration's own delta, whatever the information.

    Example:
        >>> fixed(np.zeros((1, 2, 3)), ScopeConfig(delta=0.2))
        0.2
    """
    return config.delta


def usual(information: npt.NDArray[np.float64], config: ScopeConfig) -> float:
    """Return the threshold that suits the estimator's figure: 0.3 for mutual information, 0.1 for interval effects.

    Example:
        >>> usual(np.zeros((1, 2, 3)), ScopeConfig(estimator="interval_effect"))
        0.1
    """
    return ESTIMATORS[config.estimator].delta
