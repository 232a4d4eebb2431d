"""Settings shared by several learners; this module does not need torch."""

from __future__ import annotations

from typing import Annotated

from isa_wrappers.fields import OneOf

OptimizerName = Annotated[str, OneOf("rmsprop", "adam")]
"""RMSprop averages squares over some 100 steps (alpha 0.99), as in the authors' code of QMIX and COMA."""
FixedShapes = Annotated[str, OneOf("auto", "always", "never")]
"""Whether updates use fixed shapes, which include all steps; ``auto`` does so only on CUDA."""


def linear(start: float, end: float, share: float) -> float:
    """Return the linear interpolation from ``start`` to ``end``; beyond a share of 1 it stays at ``end``.

    Example:
        >>> [round(linear(1.0, 0.05, share), 3) for share in (0.0, 0.5, 1.0, 100.0)]
        [1.0, 0.525, 0.05, 0.05]
    """
    return start + (end - start) * min(share, 1.0)
