"""What a page of running runs shows, made anew while somebody looks and what it is made of has changed."""

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
"""So many times as long as it took, nothing is read or played again: training is left most of a core."""
PAUSE = 0.25
"""Seconds between two looks at the folders."""
ASLEEP = 10.0
"""Seconds after which a page that has not asked is taken to be closed."""
NO_METRICS = "has no metrics yet: the first row comes with the first evaluation, and this page waits for it"


class LiveContents:
    """Reads runs again in a thread of its own; between two changes it rests.

    Args:
        folders: of the runs.
        rest: how long, in multiples of what making took.

    Attributes:
        contents: as :func:`~isa_learners.runs.report.page.whole_contents` returns them with ``version``, or
            ``waiting``, why there is nothing to show yet.
        error: why the last try to read failed, in one line; ``None`` where it did not. What was read before stands.
    """

    def __init__(self, folders: Sequence[RunFolder], rest: float = REST) -> None:
        self.folders, self.rest = list(folders), rest
        self.contents: dict[str, Any] = {"waiting": "The runs are being read.", "version": 0}
        self.error: str | None = None
        self._replays: dict[Path, list[dict[str, Any]] | ISAError] = {}
        self._asked, self._stopped = time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._follow, name="isa view", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading; what is being made is given a moment to end."""
        self._stopped.set()
        self._thread.join(timeout=10.0)

    def state(self) -> dict[str, Any]:
        """Return which contents there are; whoever asks keeps them coming."""
        self._asked = time.monotonic()
        return {"version": self.contents["version"], "error": self.error}

    def _follow(self) -> None:
        read, shown = None, (None,) * len(self.folders)
        rested = replayed = 0.0
        while not self._stopped.wait(PAUSE):
            now = time.monotonic()
            if now - self._asked > ASLEEP:
                continue
            stamp, learned = self._stamps()
            if stamp != read and now >= rested:
                rested, read = self._timed(self._known), stamp
            elif learned != shown and now >= replayed and "waiting" not in self.contents:
                # Playing takes longer than reading, so the curves do not wait for it.
                replayed, shown = self._timed(self._played), learned

    def _stamps(self) -> tuple[Any, tuple[Any, ...]]:
        """Return what changes with anything that is shown, and with what is replayed."""
        changing = [(one.metrics_file, one.summary_file, one.path / "scope.json") for one in self.folders]
        learned = tuple(_stamp(folder.newest_checkpoint()) for folder in self.folders)
        return (tuple(_stamp(path) for paths in changing for path in paths), learned), learned

    def _timed(self, play: Play) -> float:
        """Read everything, and return when it may be done again."""
        began = time.monotonic()
        try:
            self._publish(self._made(play))
            self.error = None
        except ISAError as error:  # half written, perhaps: the next look tells
            self.error = str(error)
        except Exception as error:  # of somebody's environment: training goes on without this page too
            self.error = one_line(f"{type(error).__name__}: {error}")
        ended = time.monotonic()
        return ended + self.rest * (ended - began)

    def _made(self, play: Play) -> dict[str, Any]:
        ready = [folder for folder in self.folders if _has_metrics(folder)]
        waiting = [f"{folder.path} {NO_METRICS}" for folder in self.folders if folder not in ready]
        if not ready:
            return {"waiting": "; ".join(waiting) + "."}
        contents = whole_contents(ready, play)
        return {**contents, "notes": [*contents["notes"], *waiting]}

    def _known(self, folder: RunFolder, most_bytes: int) -> list[dict[str, Any]] | None:
        """Return the episodes that were played last, or say again why there are none."""
        known = self._replays.get(folder.path)
        if isinstance(known, ISAError):
            raise known
        return known

    def _played(self, folder: RunFolder, most_bytes: int) -> list[dict[str, Any]] | None:
        """Play a run's episodes: its policy has learned more since."""
        try:
            self._replays[folder.path] = played(folder, most_bytes)
        except ISAError as error:
            self._replays[folder.path] = error
        return self._known(folder, most_bytes)

    def _publish(self, contents: dict[str, Any]) -> None:
        self.contents = {**contents, "version": self.contents["version"] + 1}


def _has_metrics(folder: RunFolder) -> bool:
    try:
        return bool(parse_metrics(read_bytes(folder.metrics_file), ()).rows)
    except OSError:
        return False


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from the one that was there before; ``None`` where there is none."""
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size)
