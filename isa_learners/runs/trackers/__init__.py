"""Trackers, which log runs to services. Each is a hook; :data:`TRACKERS` holds those that can be chosen by name."""

from __future__ import annotations

from collections.abc import Sequence

from isa_learners.runs.trackers.base import Tracker
from isa_wrappers.registry import Registry

__all__ = ["TRACKERS", "Tracker", "make_trackers"]

TRACKERS: Registry[type[Tracker]] = Registry(
    "tracker",
    "isa_marl.trackers",
    {
        "wandb": "isa_learners.runs.trackers.weights_and_biases:WandbTracker",
        "mlflow": "isa_learners.runs.trackers.mlflow_tracking:MLflowTracker",
    },
    type,
)
"""Trackers by name; add your own with entry points or :meth:`Registry.register`."""


def make_trackers(names: Sequence[str]) -> list[Tracker]:
    """Create the trackers with these names.

    Raises:
        UnknownNameError: for an unknown tracker; the message suggests the nearest.
        MissingDependencyError: if the package of a tracker is missing.
    """
    return [TRACKERS[name]() for name in dict.fromkeys(names)]
