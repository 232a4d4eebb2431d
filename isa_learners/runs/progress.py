"""The progress of a run beyond the state of its algorithm."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan
from typing import Any

from isa_learners.config import SOLVED_EVALUATIONS, SOLVED_RATE
from isa_wrappers.wrappers.episode_statistics import Totals

Timestamp = dict[str, int | float]
"""Environment steps and seconds; integers stay integers when a run resumes."""


def next_due(done: int, every: int) -> int:
    """Return the first multiple of an interval after ``done`` steps.

    Example:
        >>> next_due(0, 5), next_due(4, 5), next_due(5, 5)
        (5, 5, 10)
    """
    return (done // every + 1) * every


@dataclass
class Progress:
    """The progress of a run, saved with each checkpoint.

    Attributes:
        wall_time: seconds of training, including evaluations and earlier parts of a resumed run.
        next_eval: environment steps at which the next evaluation is due.
        next_checkpoint: environment steps at which the next checkpoint is due.
        best: highest success rate so far.
        streak: number of consecutive evaluations at ``SOLVED_RATE`` or better.
        streak_start: environment steps and seconds of the first evaluation of the streak.
        solved: ``streak_start`` of the first streak of ``SOLVED_EVALUATIONS``.
        first_success: environment steps and seconds of the first won episode.
        last: row of the latest evaluation.
        carried: totals of the episodes of phases that have ended since that row.
    """

    wall_time: float = 0.0
    next_eval: int = 0
    next_checkpoint: int = 0
    best: float = -1.0
    streak: int = 0
    streak_start: Timestamp | None = None
    solved: Timestamp | None = None
    first_success: Timestamp | None = None
    last: dict[str, Any] = field(default_factory=dict)
    carried: Totals = field(default_factory=Totals)

    def follow_intervals(self, done: int, evaluations: int, checkpoints: int) -> None:
        """Set the next evaluation and checkpoint after ``done`` steps by intervals that a resume may have changed."""
        if done < self.next_eval:
            self.next_eval = next_due(done, evaluations)
        if done < self.next_checkpoint:
            self.next_checkpoint = next_due(done, checkpoints)

    def evaluated(self, success_rate: float, timestamp: Timestamp) -> None:
        """Record an evaluation at ``timestamp``: environment steps and seconds.

        An evaluation whose episodes were all lost because their games failed (NaN) does not end a streak.
        """
        if isnan(success_rate):
            return
        solved_now = success_rate >= SOLVED_RATE
        if solved_now and self.streak == 0:
            self.streak_start = timestamp
        self.streak = self.streak + 1 if solved_now else 0
        if self.solved is None and self.streak >= SOLVED_EVALUATIONS:
            self.solved = self.streak_start
