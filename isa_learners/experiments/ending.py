"""How the end of a run is told: ``summary.json`` once it is trained, ``final.json`` once its policy has played."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from isa_learners.config import RunConfig
from isa_wrappers.errors import FileFormatError
from isa_wrappers.files import read_bytes
from isa_wrappers.plain import read_json

SUMMARY = "summary.json"
FINAL = "final.json"
"""What the last checkpoint does in greedy episodes, beside a run's summary."""
T = TypeVar("T")


@dataclass(frozen=True)
class Summary:
    """What a comparison reads of ``summary.json``.

    Attributes:
        env_steps: that the run has taken.
        wall_time_s: seconds of training.
        solved: environment steps and seconds at which it was solved, ``None`` where it was not.
        first_success: the same of the first won episode.
        evaluated_at: environment steps of the last evaluation; ``None`` where there was none, or in earlier files.
    """

    env_steps: int | float
    wall_time_s: float
    solved: dict[str, float] | None = None
    first_success: dict[str, float] | None = None
    evaluated_at: int | float | None = None

    def is_whole(self, config: RunConfig) -> bool:
        """Tell whether the run has come to the end that it is configured for; another may have been given since.

        Example:
            >>> from isa_learners.runs.config_io import make_config
            >>> config = make_config("grid/unlock", "fast", {"steps": 90_000})
            >>> Summary(90_000, 60.0).is_whole(config), Summary(60_000, 40.0).is_whole(config)
            (True, False)
        """
        return self.env_steps >= config.steps or (config.stop_when_solved and self.solved is not None)


@dataclass(frozen=True)
class Final:
    """What ``final.json`` holds.

    Attributes:
        env_steps: of the checkpoint that played.
        episodes: how many it was to play.
        success_rate: share that was won of those that counted.
        return_mean: mean return of the team.
        episode_length: mean steps.
        played: how many were played to their end; those that were lost with their game do not count. ``None`` in files
            of earlier versions.
    """

    env_steps: int | float
    episodes: int
    success_rate: float
    return_mean: float
    episode_length: float
    played: int | None = None

    @property
    def counted(self) -> int:
        """How many of the episodes its figures are of."""
        return self.episodes if self.played is None else self.played


def read_summary(run: Path) -> Summary | None:
    """Return what ``summary.json`` of a run says, ``None`` where there is none.

    Raises:
        FileFormatError: if it is damaged.
    """
    return _read(run / SUMMARY, Summary)


def read_final(run: Path) -> Final | None:
    """Return what ``final.json`` of a run says, ``None`` where there is none.

    Raises:
        FileFormatError: if it is damaged.
    """
    return _read(run / FINAL, Final)


def read_end(run: Path, config: RunConfig, episodes: int) -> tuple[Summary, Final] | None:
    """Return how a finished run ended, ``None`` where it is not finished, or its files do not show that it is.

    Args:
        run: its folder.
        config: that it is to follow to its end.
        episodes: that its last checkpoint is to have played.
    """
    try:
        summary, final = read_summary(run), read_final(run)
    except FileFormatError:  # both are written anew by whoever brings the run to its end
        return None
    if summary is None or final is None or not summary.is_whole(config):
        return None
    return (summary, final) if (final.env_steps, final.episodes) == (summary.env_steps, episodes) else None


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        data: Any = read_json(read_bytes(path))
        return msgspec.convert(data, kind)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path} cannot be read ({error})") from error
