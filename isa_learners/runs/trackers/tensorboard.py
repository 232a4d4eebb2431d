"""TensorBoard files in the run folder: values, settings and the picture of the scope."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isa_learners.runs.config_io import config_to_dict
from isa_learners.runs.hooks import Hook
from isa_learners.runs.nesting import flattened
from isa_learners.runs.scope_picture import scope_picture
from isa_learners.runs.trackers.tags import tagged
from isa_wrappers.errors import one_line
from isa_wrappers.files import convert_write_errors

if TYPE_CHECKING:
    from isa_learners.runs.training import Training


PICTURE_AFTER = 60.0
"""Seconds of training after which the scope is drawn; shorter runs draw it at the end, since drawing takes half a
second."""


class TensorBoard(Hook):
    """Writes settings, scope and the values of each evaluation to ``tensorboard/``, if TensorBoard is installed."""

    def on_start(self, training: Training) -> None:
        """Open the files; a resume purges entries later than the checkpoint."""
        self._board: Any = None
        self._lacks_picture = False
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        after = training.algorithm.env_steps if training.resumed else 0
        self._folder = training.folder.path / "tensorboard"
        with convert_write_errors(self._folder):
            self._board = SummaryWriter(str(self._folder), purge_step=after + 1 if after else None)
            if not after:
                self._add_settings(training)
                self._lacks_picture = True

    def _add_settings(self, training: Training) -> None:
        settings = flattened(config_to_dict(training.config))
        rows = "\n".join(f"| {key} | {value} |" for key, value in settings.items())
        self._board.add_text("settings", f"| key | value |\n|---|---|\n{rows}", 0)

    def _add_picture(self, training: Training) -> None:
        """Add the scope; a fault is only a warning, as the end of a run is too late for an error."""
        self._lacks_picture = False
        try:
            picture = scope_picture(training.folder)
            if picture is not None:
                self._board.add_image("scope", _pixels(picture), training.algorithm.env_steps, dataformats="HWC")
        except Exception as error:
            if not isinstance(error, ImportError):  # no picture without matplotlib
                warnings.warn(f"TensorBoard shows no scope: {one_line(error)}", stacklevel=2)

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Add the values of the row, and the scope once a minute has passed."""
        if self._board is not None:
            with convert_write_errors(self._folder):
                for tag, value in tagged(row).items():
                    self._board.add_scalar(tag, value, int(row["env_steps"]))
                if self._lacks_picture and training.progress.wall_time > PICTURE_AFTER:
                    self._add_picture(training)

    def on_end(self, training: Training, summary: Mapping[str, Any] | None) -> None:
        """Add the scope if it is missing, and close the files."""
        if self._board is not None:
            with convert_write_errors(self._folder):
                if self._lacks_picture:
                    self._add_picture(training)
                self._board.close()


def _pixels(picture: Path) -> Any:
    from PIL import Image

    with Image.open(picture) as image:
        return np.asarray(image.convert("RGB"))
