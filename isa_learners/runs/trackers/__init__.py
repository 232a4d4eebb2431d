"""Trackers: services that show how runs go. Each is a hook; :data:`TRACKERS` names those that are asked for by name."""

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
"""The trackers by name; others come by entry points or :meth:`Registry.register`."""


def make_trackers(names: Sequence[str]) -> list[Tracker]:
    """Make the trackers of these names.

    Raises:
        UnknownNameError: if there is no such tracker; the nearest is offered.
        MissingDependencyError: if what it needs is not installed.
    """
    return [TRACKERS[name]() for name in dict.fromkeys(names)]
