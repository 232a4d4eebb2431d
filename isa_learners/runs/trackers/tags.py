"""Tags of a run's values, in groups for evaluation, training and losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EVALUATION = ("success_rate", "return_mean", "episode_length")
"""Columns of an evaluation."""
TRAINING = ("reward_mean", "steps_per_second", "goals", "probes", "dims_added", "epsilon", "replay_episodes")
"""Columns about training, besides all that begin with ``train_``; the rest belongs to the update."""


def tagged(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a row of ``metrics.csv`` by tag.

    Example:
        >>> tagged({"env_steps": 10, "phase": "reach", "success_rate": 0.5, "train_success_rate": 0.4, "entropy": 1.2})
        {'eval/success_rate': 0.5, 'train/success_rate': 0.4, 'loss/entropy': 1.2}
    """
    return {
        tag_of(name): float(value)
        for name, value in row.items()
        if isinstance(value, int | float) and name not in ("env_steps", "wall_time_s")
    }


def tag_of(column: str) -> str:
    """Return the tag of a column.

    Example:
        >>> tag_of("train_episodes"), tag_of("goals"), tag_of("value_loss")
        ('train/episodes', 'train/goals', 'loss/value_loss')
    """
    if column in EVALUATION:
        return f"eval/{column}"
    if column.startswith("train_"):
        return f"train/{column.removeprefix('train_')}"
    return f"{'train' if column in TRAINING else 'loss'}/{column}"
