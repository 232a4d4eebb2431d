"""The files of a finished run: ``summary.json`` after training, ``final.json`` after the final evaluation."""

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
"""Result of the final evaluation of the last checkpoint."""
T = TypeVar("T")


@dataclass(frozen=True)
class Summary:
    """The values that a comparison reads from ``summary.json``.

    Attributes:
        env_steps: environment steps of the run.
        wall_time_s: seconds of training.
        solved: environment steps and seconds at which the run was solved, or ``None``.
        first_success: environment steps and seconds of the first won episode, or ``None``.
        evaluated_at: environment steps of the last evaluation; ``None`` without any, or in files of older versions.
    """

    env_steps: int | float
    wall_time_s: float
    solved: dict[str, float] | None = None
    first_success: dict[str, float] | None = None
    evaluated_at: int | float | None = None

    def is_whole(self, config: RunConfig) -> bool:
        """Return whether the run has reached its configured end, which may have changed since.

        Example:
            >>> from isa_learners.runs.config_io import make_config
            >>> config = make_config("grid/unlock", "fast", {"steps": 90_000})
            >>> Summary(90_000, 60.0).is_whole(config), Summary(60_000, 40.0).is_whole(config)
            (True, False)
        """
        return self.env_steps >= config.steps or (config.stop_when_solved and self.solved is not None)


@dataclass(frozen=True)
class Final:
    """The contents of ``final.json``.

    Attributes:
        env_steps: environment steps of the evaluated checkpoint.
        episodes: number of episodes requested.
        success_rate: share of counted episodes that were won.
        return_mean: mean return of the team.
        episode_length: mean number of steps.
        played: number of finished episodes, without those lost because their game failed; ``None`` in files of older
            versions.
    """

    env_steps: int | float
    episodes: int
    success_rate: float
    return_mean: float
    episode_length: float
    played: int | None = None

    @property
    def counted(self) -> int:
        """Number of episodes that the results are based on."""
        return self.episodes if self.played is None else self.played


def read_summary(run: Path) -> Summary | None:
    """Read ``summary.json`` of a run; ``None`` if it does not exist.

    Raises:
        FileFormatError: if it is damaged.
    """
    return _read(run / SUMMARY, Summary)


def read_final(run: Path) -> Final | None:
    """Read ``final.json`` of a run; ``None`` if it does not exist.

    Raises:
        FileFormatError: if it is damaged.
    """
    return _read(run / FINAL, Final)


def read_end(run: Path, config: RunConfig, episodes: int) -> tuple[Summary, Final] | None:
    """Return the files of a finished run; ``None`` if it is not finished or its files are damaged.

    Args:
        run: run folder.
        config: configuration that the run must have completed.
        episodes: number of final episodes that it must have played.
    """
    try:
        summary, final = read_summary(run), read_final(run)
    except FileFormatError:  # continuing the run writes both files again
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
