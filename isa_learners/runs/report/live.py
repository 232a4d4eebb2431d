"""The contents of a live report, updated while a page is open and the run folders change."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isa_learners.runs.metrics import parse_metrics
from isa_learners.runs.report.page import Play, played, whole_contents
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import ISAError, one_line
from isa_wrappers.files import read_bytes

REST = 9.0
"""Pause after an update, as a multiple of its duration, which leaves most of a core to training."""
PAUSE = 0.25
"""Seconds between two checks of the folders."""
IDLE_SECONDS = 10.0
"""Seconds without a request after which a page counts as closed."""
NO_METRICS = "has no metrics yet: this page waits for the first evaluation"


class LiveContents:
    """Reads runs repeatedly in a separate thread, with a pause after each update.

    Args:
        folders: run folders.
        rest: pause after an update, as a multiple of its duration.

    Attributes:
        contents: result of :func:`~isa_learners.runs.report.page.whole_contents` with ``version``, or ``waiting``, the
            reason why there is nothing to show yet.
        error: one-line reason why the last update failed, or ``None``; earlier contents stay available.
    """

    def __init__(self, folders: Sequence[RunFolder], rest: float = REST) -> None:
        self.folders, self.rest = list(folders), rest
        self.contents: dict[str, Any] = {"waiting": "Reading the runs.", "version": 0}
        self.error: str | None = None
        self._replays: dict[Path, list[dict[str, Any]] | ISAError] = {}
        self._last_request, self._stopped = time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._follow, name="isa view", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading; an update in progress gets a moment to finish."""
        self._stopped.set()
        self._thread.join(timeout=10.0)

    def state(self) -> dict[str, Any]:
        """Return the state of the contents; each call keeps the updates running."""
        self._last_request = time.monotonic()
        return {"version": self.contents["version"], "error": self.error}

    def _follow(self) -> None:
        read, shown = None, (None,) * len(self.folders)
        next_read = next_replay = 0.0
        while not self._stopped.wait(PAUSE):
            now = time.monotonic()
            if now - self._last_request > IDLE_SECONDS:
                continue
            stamp, learned = self._stamps()
            if stamp != read and now >= next_read:
                next_read, read = self._timed(self._latest_episodes), stamp
            elif learned != shown and now >= next_replay and "waiting" not in self.contents:
                # Playing episodes takes longer than reading, so the curves do not wait for it.
                next_replay, shown = self._timed(self._play_episodes), learned

    def _stamps(self) -> tuple[Any, tuple[Any, ...]]:
        """Return values that change whenever shown files, or replayed checkpoints, change."""
        changing = [(run.metrics_file, run.summary_file, run.path / "scope.json") for run in self.folders]
        learned = tuple(_stamp(folder.newest_checkpoint()) for folder in self.folders)
        return (tuple(_stamp(path) for paths in changing for path in paths), learned), learned

    def _timed(self, play: Play) -> float:
        """Read everything; return the earliest time of the next update."""
        start = time.monotonic()
        try:
            self._publish(self._read_contents(play))
            self.error = None
        except ISAError as error:  # perhaps an incomplete file: the next update will show
            self.error = str(error)
        except Exception as error:  # from the environment: the page must keep running
            self.error = one_line(f"{type(error).__name__}: {error}")
        end = time.monotonic()
        return end + self.rest * (end - start)

    def _read_contents(self, play: Play) -> dict[str, Any]:
        ready = [folder for folder in self.folders if _has_metrics(folder)]
        waiting = [f"{folder.path} {NO_METRICS}" for folder in self.folders if folder not in ready]
        if not ready:
            return {"waiting": "; ".join(waiting) + "."}
        contents = whole_contents(ready, play)
        return {**contents, "notes": [*contents["notes"], *waiting]}

    def _latest_episodes(self, folder: RunFolder, most_bytes: int) -> list[dict[str, Any]] | None:
        """Return the latest episodes, or raise the earlier error again."""
        latest = self._replays.get(folder.path)
        if isinstance(latest, ISAError):
            raise latest
        return latest

    def _play_episodes(self, folder: RunFolder, most_bytes: int) -> list[dict[str, Any]] | None:
        """Play new episodes of a run."""
        try:
            self._replays[folder.path] = played(folder, most_bytes)
        except ISAError as error:
            self._replays[folder.path] = error
        return self._latest_episodes(folder, most_bytes)

    def _publish(self, contents: dict[str, Any]) -> None:
        self.contents = {**contents, "version": self.contents["version"] + 1}


def _has_metrics(folder: RunFolder) -> bool:
    try:
        return bool(parse_metrics(read_bytes(folder.metrics_file), ()).rows)
    except OSError:
        return False


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """Return values that identify the version of a file; ``None`` if it does not exist."""
    try:
        stat = None if path is None else path.stat()
    except OSError:
        return None
    return None if stat is None else (stat.st_mtime_ns, stat.st_size)
