"""Hooks, which are called during a run. CSV, TensorBoard, checkpoints and the live display are hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isa_learners.runs.progress import next_due

if TYPE_CHECKING:
    from isa_learners.runs.training import Training


class Hook:
    """Base class of hooks; override the methods that you need.

    Example:
        >>> class Wins(Hook):
        ...     def on_evaluation(self, training, row):
        ...         print(row["env_steps"], row["success_rate"])
    """

    def on_start(self, training: Training) -> None:
        """Called before the first iteration, or the first after a resume; scope and checkpoint are loaded."""

    def on_phase(self, training: Training, phase: str, env_steps: int) -> None:
        """Called when a phase begins: ``scope``, then those of the algorithm."""

    def on_scope(self, training: Training, env_steps: int) -> None:
        """Called while the scope is estimated, with the environment steps taken for it."""

    def on_iteration(self, training: Training, values: Mapping[str, Any]) -> None:
        """Called after every rollout and update, and after any evaluation that was due."""

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Called after an evaluation; ``row`` is its row of ``metrics.csv``."""

    def on_end(self, training: Training, summary: Mapping[str, Any] | None) -> None:
        """Called at the end; ``summary`` is ``None`` if the run stopped or failed and can be resumed."""


class Checkpoints(Hook):
    """Writes the latest checkpoint at the configured interval and at the end, and the best one after evaluations."""

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Save the policy if it is the best so far."""
        if row["success_rate"] > training.progress.best:
            training.progress.best = row["success_rate"]
            training.save(best=True)

    def on_iteration(self, training: Training, values: Mapping[str, Any]) -> None:
        """Save the latest state if it is due."""
        progress, interval = training.progress, training.config.checkpoint_interval
        env_steps = training.algorithm.env_steps
        if env_steps >= progress.next_checkpoint:
            progress.next_checkpoint = next_due(env_steps, interval)
            training.save()

    def on_end(self, training: Training, summary: Mapping[str, Any] | None) -> None:
        """Save the last state."""
        training.save()
