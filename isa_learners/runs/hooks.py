"""Hooks: what is told how a run goes. CSV, TensorBoard, checkpoints and the live display are hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isa_learners.runs.progress import next_due

if TYPE_CHECKING:
    from isa_learners.runs.training import Training


class Hook:
    """Told how a run goes; override what is wanted.

    Example:
        >>> class Wins(Hook):
        ...     def on_evaluation(self, training, row):
        ...         print(row["env_steps"], row["success_rate"])
    """

    def on_start(self, training: Training) -> None:
        """Before the first iteration of this sitting; the scope and any checkpoint are there."""

    def on_phase(self, training: Training, phase: str, env_steps: int) -> None:
        """A phase begins: ``scope``, then those of the algorithm."""

    def on_scope(self, training: Training, env_steps: int) -> None:
        """While the scope is estimated: so many environment steps of it are taken."""

    def on_iteration(self, training: Training, values: Mapping[str, Any]) -> None:
        """After every rollout and update, and after any evaluation that was due."""

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """After an evaluation; ``row`` is that of ``metrics.csv``."""

    def on_end(self, training: Training, summary: Mapping[str, Any] | None) -> None:
        """At the end of this sitting; ``summary`` is ``None`` where it stopped or broke and can resume."""


class Checkpoints(Hook):
    """Writes the latest checkpoint as often as configured and at the end, the best one after each better evaluation."""

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Keep the policy if it is the best so far."""
        if row["success_rate"] > training.progress.best:
            training.progress.best = row["success_rate"]
            training.save(best=True)

    def on_iteration(self, training: Training, values: Mapping[str, Any]) -> None:
        """Keep the latest state where it is due."""
        progress, interval = training.progress, training.config.checkpoint_interval
        env_steps = training.algorithm.env_steps
        if env_steps >= progress.next_checkpoint:
            progress.next_checkpoint = next_due(env_steps, interval)
            training.save()

    def on_end(self, training: Training, summary: Mapping[str, Any] | None) -> None:
        """Keep the last state."""
        training.save()
