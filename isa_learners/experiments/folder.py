"""The folder of a comparison: finished, interrupted and new runs, and the estimated time for the rest."""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import IO

from isa_learners.experiments.ending import read_end
from isa_learners.experiments.plan import Plan, PlannedRun
from isa_learners.runs.config_io import config_to_dict
from isa_learners.runs.curves import INERT, changed_in_mid_run, settings_at_start
from isa_learners.runs.metrics import columns_of, read_metrics
from isa_learners.runs.nesting import flattened
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import InvalidValueError, RunFolderError, shown
from isa_wrappers.files import convert_write_errors

ROOM = 5 * 2**20
"""Minimum number of bytes of a run: two checkpoints, metrics, logs."""
LOGS = "logs"


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes:
        started: whether its folder exists.
        finished: whether its training and its final evaluation are complete.
        env_steps: environment steps of its last evaluation.
        seconds: seconds that these took.
        success: success rate of that evaluation, or ``None``.
    """

    started: bool = False
    finished: bool = False
    env_steps: float = 0.0
    seconds: float = 0.0
    success: float | None = None


class Comparison:
    """A plan in its folder.

    Args:
        plan: plan of the comparison.
        root: its folder.
    """

    def __init__(self, plan: Plan, root: Path) -> None:
        self.plan, self.root = plan, root
        self._finished: dict[str, Progress] = {}

    def path(self, run: PlannedRun) -> Path:
        """Return the path of a run's folder."""
        return self.root / run.name

    def log(self, run: PlannedRun) -> Path:
        """Return the path of the log with a run's stderr."""
        return self.root / LOGS / f"{run.name.replace('/', '-')}.txt"

    def open_log(self, run: PlannedRun) -> IO[bytes]:
        """Open a run's log for reading from its end and for appending.

        Raises:
            CannotWriteError: naming the log, or the file in place of its folder.
        """
        path = self.log(run)
        with convert_write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("a+b")  # append, as another process of the same plan may be writing too

    def claim(self, run: PlannedRun) -> IO[bytes] | None:
        """Claim a run until the returned file is closed or this process ends.

        Returns:
            The claimed log of the run; ``None`` while another process of the same plan holds the claim.

        Raises:
            CannotWriteError: as in :meth:`open_log`.
            OSError: if the file system does not support locks.
        """
        import fcntl

        # A separate file handle, as helpers of the environment inherit the run's own and may keep it open.
        log = self.open_log(run)
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            log.close()
            if isinstance(error, BlockingIOError):
                return None
            raise
        return log

    def check(self) -> None:
        """Check that the runs in the folder belong to this plan, or to a part of it.

        Raises:
            RunFolderError: naming the first foreign run and the key that differs or was changed during the run, or a
                file in place of the log folder.
        """
        logs = self.root / LOGS
        if os.path.exists(logs) and not os.path.isdir(logs):
            raise RunFolderError(f"{logs} is not a folder; remove it, or choose another --out")
        for run in self.plan.runs:
            path = self.path(run)
            if not _holds_run(path):
                continue
            folder = RunFolder.open(path)
            existing = settings_at_start(folder)
            planned = flattened(config_to_dict(run.config))
            for key in dict.fromkeys([*planned, *existing]):
                if existing.get(key) != planned.get(key) and (key == "seed" or key not in INERT):
                    raise RunFolderError(
                        f"{path} belongs to another plan: its {key} is {shown(existing.get(key))}, here "
                        f"{shown(planned.get(key))}; choose another --out"
                    )
            for key, values in changed_in_mid_run(folder).items():
                name, _, steps = key.partition("@")
                raise RunFolderError(
                    f"{path} is not a run of this plan: its {name} was changed after {steps} steps, {values}; "
                    "choose another --out, or remove the folder"
                )

    def check_room(self, left: Sequence[PlannedRun]) -> None:
        """Check that the disk has enough space for the remaining runs.

        Raises:
            InvalidValueError: naming the available and the required space.
        """
        parent = self.root
        while not parent.exists():
            parent = parent.parent
        free, needed = shutil.disk_usage(parent).free, ROOM * len(left)
        if free < needed:
            raise InvalidValueError(
                f"{len(left)} runs need at least {needed / 2**20:,.0f} MiB, but the disk of {parent} has "
                f"{free / 2**20:,.0f} left; free some space, or choose another --out"
            )

    def progress(self, run: PlannedRun) -> Progress:
        """Return the progress of a run; the files of a finished run are read only once."""
        if run.name not in self._finished:
            progress = self._look(run)
            if not progress.finished:
                return progress
            self._finished[run.name] = progress
        return self._finished[run.name]

    def _look(self, run: PlannedRun) -> Progress:
        path = self.path(run)
        if not _holds_run(path):
            return Progress()
        try:
            rows = read_metrics(path / "metrics.csv", columns_of(run.config))
        except (OSError, ValueError):
            rows = []
        finished = read_end(path, run.config, self.plan.episodes) is not None
        if not rows:
            return Progress(True, finished)
        # A damaged file may lack a column.
        steps, seconds, success = (rows[-1].get(name) or None for name in ("env_steps", "wall_time_s", "success_rate"))
        rate = float(success or "nan")
        return Progress(True, finished, float(steps or 0), float(seconds or 0), None if isnan(rate) else rate)

    def left(self) -> list[PlannedRun]:
        """Return the runs that are not finished."""
        return [run for run in self.plan.runs if not self.progress(run).finished]

    def prepare(self, run: PlannedRun) -> Path:
        """Return a run's folder, creating it if it does not exist.

        Raises:
            RunFolderError: if it cannot be created.
            CannotWriteError: if the disk is full.
        """
        path = self.path(run)
        if not _holds_run(path):
            try:
                RunFolder.create(path, run.config).lock.release()
            except RunFolderError:
                if not _holds_run(path):  # else another process of the same plan created it
                    raise
        return path

    def seconds_left(self, left: Sequence[PlannedRun]) -> float | None:
        """Estimate the remaining seconds from the speed of similar runs; ``None`` before any evaluation."""
        rates: dict[tuple[str, ...], list[float]] = {}
        for run in self.plan.runs:
            progress = self.progress(run)
            if progress.env_steps and progress.seconds:
                for key in ((run.task, run.variant), (run.task,), ()):
                    rates.setdefault(key, []).append(progress.seconds / progress.env_steps)
        if not rates:
            return None
        total = 0.0
        for run in left:
            keys = ((run.task, run.variant), (run.task,), ())
            rate = next(statistics.median(rates[key]) for key in keys if key in rates)
            total += rate * max(0.0, run.config.steps - self.progress(run).env_steps)
        return total


def _holds_run(path: Path) -> bool:
    """Return whether a folder holds a run; opening it will report why if it cannot be read."""
    return os.path.exists(path / "config.yaml")
