"""The folder of a comparison: which runs are finished, broken off or not begun, and how long the rest will take."""

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
from isa_learners.runs.curves import INERT, as_begun, changed_in_mid_run
from isa_learners.runs.metrics import columns_of, read_metrics
from isa_learners.runs.nesting import flattened
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import InvalidValueError, RunFolderError, shown
from isa_wrappers.files import told

ROOM = 5 * 2**20
"""Bytes that a run takes at least: two checkpoints, metrics, logs."""
LOGS = "logs"


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        begun: its folder is there.
        finished: it is trained to its end and its final episodes are played.
        env_steps: of its last evaluation.
        seconds: that those took.
        success: rate of that evaluation, ``None`` before any.
    """

    begun: bool = False
    finished: bool = False
    env_steps: float = 0.0
    seconds: float = 0.0
    success: float | None = None


class Comparison:
    """A plan in its folder.

    Args:
        plan: what is compared.
        root: the folder.
    """

    def __init__(self, plan: Plan, root: Path) -> None:
        self.plan, self.root = plan, root
        self._finished: dict[str, Progress] = {}

    def path(self, run: PlannedRun) -> Path:
        """Return where a run's folder lies."""
        return self.root / run.name

    def log(self, run: PlannedRun) -> Path:
        """Return where what a run says on stderr is kept."""
        return self.root / LOGS / f"{run.name.replace('/', '-')}.txt"

    def open_log(self, run: PlannedRun) -> IO[bytes]:
        """Open a run's log, for reading from its end on and for adding to it.

        Raises:
            CannotWriteError: naming it, or what is in the place of its folder.
        """
        path = self.log(run)
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("a+b")  # another process of the same plan may be writing there

    def claim(self, run: PlannedRun) -> IO[bytes] | None:
        """Claim a run, until the file that is returned is closed or this process ends, however it does.

        Returns:
            The run's log, which holds the claim; ``None`` while another process of the same plan has it.

        Raises:
            CannotWriteError: as :meth:`open_log` does.
            OSError: where the file system has no locks.
        """
        import fcntl

        # Apart from what the run writes to, which helpers of its environment inherit and may hold for longer.
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
        """Check that what lies in the folder was made by this plan, or by a part of it.

        Raises:
            RunFolderError: naming the first run, and the key that differs or was changed in mid-run; or a file in the
                place of the logs.
        """
        logs = self.root / LOGS
        if os.path.exists(logs) and not os.path.isdir(logs):
            raise RunFolderError(f"{logs} is not a folder; take it away, or choose another --out")
        for run in self.plan.runs:
            path = self.path(run)
            if not _begun(path):
                continue
            folder = RunFolder.open(path)
            there = as_begun(folder)
            here = flattened(config_to_dict(run.config))
            for key in dict.fromkeys([*here, *there]):
                if there.get(key) != here.get(key) and (key == "seed" or key not in INERT):
                    raise RunFolderError(
                        f"{path} was made by another plan: its {key} is {shown(there.get(key))}, here "
                        f"{shown(here.get(key))}; choose another --out"
                    )
            for key, values in changed_in_mid_run(folder).items():
                name, _, steps = key.partition("@")
                raise RunFolderError(
                    f"{path} is no run of this plan: its {name} was changed in mid-run after {steps} steps, {values}; "
                    "choose another --out, or take the folder away"
                )

    def check_room(self, left: Sequence[PlannedRun]) -> None:
        """Check that the disk has room for the runs that are left.

        Raises:
            InvalidValueError: naming what there is and what is needed.
        """
        here = self.root
        while not here.exists():
            here = here.parent
        free, needed = shutil.disk_usage(here).free, ROOM * len(left)
        if free < needed:
            raise InvalidValueError(
                f"{len(left)} runs need {needed / 2**20:,.0f} MiB at least, the disk of {here} has {free / 2**20:,.0f} "
                "left; make room, or choose another --out"
            )

    def progress(self, run: PlannedRun) -> Progress:
        """Return how far a run has come; of a finished one the files are read once."""
        if run.name not in self._finished:
            seen = self._look(run)
            if not seen.finished:
                return seen
            self._finished[run.name] = seen
        return self._finished[run.name]

    def _look(self, run: PlannedRun) -> Progress:
        path = self.path(run)
        if not _begun(path):
            return Progress()
        try:
            rows = read_metrics(path / "metrics.csv", columns_of(run.config))
        except (OSError, ValueError):
            rows = []
        finished = read_end(path, run.config, self.plan.episodes) is not None
        if not rows:
            return Progress(True, finished)
        # Of a damaged file a column may be missing.
        steps, seconds, success = (rows[-1].get(name) or None for name in ("env_steps", "wall_time_s", "success_rate"))
        rate = float(success or "nan")
        return Progress(True, finished, float(steps or 0), float(seconds or 0), None if isnan(rate) else rate)

    def left(self) -> list[PlannedRun]:
        """Return the runs that are not finished."""
        return [run for run in self.plan.runs if not self.progress(run).finished]

    def prepare(self, run: PlannedRun) -> Path:
        """Make a run's folder where there is none, and return it.

        Raises:
            RunFolderError: if it cannot be made.
            CannotWriteError: if the disk is full.
        """
        path = self.path(run)
        if not _begun(path):
            try:
                RunFolder.create(path, run.config).lock.release()
            except RunFolderError:
                if not _begun(path):  # else another process of the same plan was faster
                    raise
        return path

    def seconds_left(self, left: Sequence[PlannedRun]) -> float | None:
        """Estimate the seconds of work that are left, by the steps a second of runs like them; ``None`` before any."""
        rates: dict[tuple[str, ...], list[float]] = {}
        for run in self.plan.runs:
            seen = self.progress(run)
            if seen.env_steps and seen.seconds:
                for key in ((run.task, run.variant), (run.task,), ()):
                    rates.setdefault(key, []).append(seen.seconds / seen.env_steps)
        if not rates:
            return None
        total = 0.0
        for run in left:
            keys = ((run.task, run.variant), (run.task,), ())
            rate = next(statistics.median(rates[key]) for key in keys if key in rates)
            total += rate * max(0.0, run.config.steps - self.progress(run).env_steps)
        return total


def _begun(path: Path) -> bool:
    """Tell whether a run lies in a folder; where the folder cannot be looked into, whoever opens it says why."""
    return os.path.exists(path / "config.yaml")
