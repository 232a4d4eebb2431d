"""TensorBoard files in the run folder: values, settings and the picture of the scope."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isa_learners.runs.config_io import config_to_dict
from isa_learners.runs.hooks import Hook
from isa_learners.runs.nesting import flattened
from isa_learners.runs.scope_picture import scope_picture
from isa_learners.runs.trackers.tags import tagged
from isa_wrappers.files import convert_write_errors

if TYPE_CHECKING:
    from isa_learners.runs.training import Training


class TensorBoard(Hook):
    """Writes the values of each evaluation to ``tensorboard/``, if TensorBoard is installed."""

    def on_start(self, training: Training) -> None:
        """Open the files; a resume purges entries later than the checkpoint."""
        self._board: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        after = training.algorithm.env_steps if training.resumed else 0
        self._folder = training.folder.path / "tensorboard"
        with convert_write_errors(self._folder):
            self._board = SummaryWriter(str(self._folder), purge_step=after + 1 if after else None)
            if not after:
                self._describe(training)

    def _describe(self, training: Training) -> None:
        """Add settings and scope."""
        settings = flattened(config_to_dict(training.config))
        rows = "\n".join(f"| {key} | {value} |" for key, value in settings.items())
        self._board.add_text("settings", f"| key | value |\n|---|---|\n{rows}", 0)
        with suppress(ImportError):  # no picture without matplotlib
            picture = scope_picture(training.folder)
            if picture is not None:
                self._board.add_image("scope", _pixels(picture), 0, dataformats="HWC")

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Add the values of the row."""
        if self._board is not None:
            with convert_write_errors(self._folder):
                for tag, value in tagged(row).items():
                    self._board.add_scalar(tag, value, int(row["env_steps"]))

    def on_end(self, training: Training, summary: Mapping[str, Any] | None) -> None:
        """Close the files."""
        if self._board is not None:
            with convert_write_errors(self._folder):
                self._board.close()


def _pixels(picture: Path) -> Any:
    from PIL import Image

    with Image.open(picture) as image:
        return np.asarray(image.convert("RGB"))
