"""What a run knows of itself beyond its algorithm's state."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan
from typing import Any

from isa_learners.config import SOLVED_EVALUATIONS, SOLVED_RATE
from isa_wrappers.wrappers.episode_statistics import Totals

Here = dict[str, int | float]
"""Environment steps and seconds; whole numbers stay such when a run resumes."""


def next_due(done: int, every: int) -> int:
    """Return the first multiple of an interval after so many steps.

    Example:
        >>> next_due(0, 5), next_due(4, 5), next_due(5, 5)
        (5, 5, 10)
    """
    return (done // every + 1) * every


@dataclass
class Progress:
    """How far a run is; saved with each checkpoint.

    Attributes:
        wall_time: seconds of training, over all sittings, evaluations included.
        next_eval: environment steps at which the next evaluation is due.
        next_checkpoint: the same for the latest checkpoint.
        best: highest success rate so far.
        streak: evaluations in a row at ``SOLVED_RATE`` or better.
        streak_start: environment steps and seconds of the streak's first.
        solved: the same once the streak reached ``SOLVED_EVALUATIONS``.
        first_success: environment steps and seconds of the first won episode.
        last: the latest evaluation's row.
        carried: totals of the episodes of phases that have ended since that row.
    """

    wall_time: float = 0.0
    next_eval: int = 0
    next_checkpoint: int = 0
    best: float = -1.0
    streak: int = 0
    streak_start: Here | None = None
    solved: Here | None = None
    first_success: Here | None = None
    last: dict[str, Any] = field(default_factory=dict)
    carried: Totals = field(default_factory=Totals)

    def follow_intervals(self, done: int, evaluations: int, checkpoints: int) -> None:
        """Set what is not yet due after ``done`` steps by intervals that a resume may have changed."""
        if done < self.next_eval:
            self.next_eval = next_due(done, evaluations)
        if done < self.next_checkpoint:
            self.next_checkpoint = next_due(done, checkpoints)

    def evaluated(self, success_rate: float, here: Here) -> None:
        """Take in an evaluation at ``here``: environment steps and seconds.

        One of which every episode was lost with its game, NaN, says nothing: a streak goes on.
        """
        if isnan(success_rate):
            return
        solved_now = success_rate >= SOLVED_RATE
        if solved_now and self.streak == 0:
            self.streak_start = here
        self.streak = self.streak + 1 if solved_now else 0
        if self.solved is None and self.streak >= SOLVED_EVALUATIONS:
            self.solved = self.streak_start
