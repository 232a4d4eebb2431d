"""The base class of trackers: they start before training, and later failures never end a run."""

from __future__ import annotations

import json
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from isa_learners.runs.hooks import Hook
from isa_learners.runs.scope_picture import scope_picture
from isa_wrappers.errors import FileFormatError, InvalidValueError, MissingDependencyError, one_line, shown
from isa_wrappers.files import read_bytes, write_text
from isa_wrappers.plain import read_json

if TYPE_CHECKING:
    from isa_learners.runs.training import Training

IDS = "trackers.json"
"""File in the run folder: tracker -> id of the run there, so that a resumed run continues the same one."""


class Tracker(Hook, ABC):
    """Logs a run to a service. A subclass opens the run, adds values and closes it.

    A failure at the start is an error, since nothing is lost yet; a later failure causes one warning, and the run
    continues without the tracker.

    Attributes:
        name: name in lists and messages.
        package: package that it imports.
        offline: how to keep its data on this machine, for messages.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    offline: ClassVar[str]

    def __init__(self) -> None:
        try:
            self.library: Any = import_module(self.package)
        except ImportError as error:
            raise MissingDependencyError(
                f"tracker {self.name!r} needs {self.package}, which is not installed; pip install {self.package}"
            ) from error
        self._open = False

    @abstractmethod
    def begin(self, training: Training, known: str | None) -> str:
        """Open the run with its settings and return its id in the service; ``known`` is an earlier id."""

    @abstractmethod
    def add(self, env_steps: int, row: Mapping[str, Any]) -> None:
        """Add an evaluation."""

    @abstractmethod
    def add_picture(self, name: str, path: Path) -> None:
        """Add a picture."""

    @abstractmethod
    def end(self, summary: Mapping[str, Any] | None) -> None:
        """Close the run; ``summary`` is ``None`` if it stopped or failed."""

    def on_start(self, training: Training) -> None:
        """Open the run and add the picture of its scope.

        Raises:
            FileFormatError: if the earlier ids cannot be read.
            InvalidValueError: if the run cannot be opened; the message says how to work offline.
        """
        file = training.folder.path / IDS
        ids = _read_ids(file)
        try:
            ids[self.name] = self.begin(training, ids.get(self.name))
        except Exception as error:
            line = one_line(error)
            raise InvalidValueError(f"tracker {self.name!r} cannot start: {line}; {self.offline}") from error
        write_text(file, json.dumps(ids, indent=2) + "\n")
        self._open = True
        picture = scope_picture(training.folder)
        if picture is not None:
            self._try(lambda: self.add_picture("scope", picture))

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Add the values of the row."""
        self._try(lambda: self.add(int(row["env_steps"]), row))

    def on_end(self, training: Training, summary: Mapping[str, Any] | None) -> None:
        """Close the run."""
        self._try(lambda: self.end(summary))
        self._open = False

    def _try(self, action: Callable[[], None]) -> None:
        if self._open:
            with self._warned():
                action()

    @contextmanager
    def _warned(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._open = False
            line = one_line(error)
            warnings.warn(f"tracker {self.name!r} failed and is disabled from now on: {line}", stacklevel=4)


def _read_ids(file: Path) -> dict[str, str]:
    """Return the ids of a run in services; empty if there are none.

    Raises:
        FileFormatError: if the file cannot be read.
    """
    try:
        ids = read_json(read_bytes(file))
        if not isinstance(ids, dict) or not all(isinstance(value, str) for value in ids.values()):
            raise ValueError(f"it holds {shown(ids)}")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise FileFormatError(
            f"{file} holds no ids of trackers ({error}); without this file the run starts as a new one in each tracker"
        ) from error
    return ids
