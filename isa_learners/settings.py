"""What the settings of several learners have in common; it needs no torch."""

from __future__ import annotations

from typing import Annotated

from isa_wrappers.fields import OneOf

OptimizerName = Annotated[str, OneOf("rmsprop", "adam")]
"""RMSprop averages squares over some 100 steps (alpha 0.99), as the programs of QMIX and COMA do."""
FixedShapes = Annotated[str, OneOf("auto", "always", "never")]
"""Whether updates compute all steps, in shapes known beforehand; ``auto`` does on CUDA alone."""


def linear(start: float, end: float, share: float) -> float:
    """Return the value of a line from ``start`` to ``end``, which stays there, after a share of the way.

    Example:
        >>> [round(linear(1.0, 0.05, share), 3) for share in (0.0, 0.5, 1.0, 100.0)]
        [1.0, 0.525, 0.05, 0.05]
    """
    return start + (end - start) * min(share, 1.0)
