"""Weights & Biases: runs of the project ``isa`` or ``WANDB_PROJECT``; all of its environment variables apply."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isa_learners.runs.config_io import config_to_dict
from isa_learners.runs.trackers.base import Tracker
from isa_learners.runs.trackers.tags import tagged

if TYPE_CHECKING:
    from isa_learners.runs.training import Training


class WandbTracker(Tracker):
    """Logs a run to Weights & Biases; its local files are in the run folder under ``wandb/``."""

    name = "wandb"
    package = "wandb"
    offline = "WANDB_MODE=offline keeps it on this machine"

    def begin(self, training: Training, known: str | None) -> str:
        """Open the run, with environment steps as the axis of all curves."""
        self._run = self.library.init(
            project=os.environ.get("WANDB_PROJECT", "isa"),
            name=training.folder.path.resolve().name,
            id=known,
            resume=None if known is None else "allow",
            config=config_to_dict(training.config),
            dir=str(training.folder.path),
            settings=self.library.Settings(silent=True, console="off"),
        )
        self._run.define_metric("env_steps")
        self._run.define_metric("*", step_metric="env_steps")
        return str(self._run.id)

    def add(self, env_steps: int, row: Mapping[str, Any]) -> None:
        """Add an evaluation."""
        self._run.log({"env_steps": env_steps, **tagged(row)})

    def add_picture(self, name: str, path: Path) -> None:
        """Add a picture."""
        self._run.log({name: self.library.Image(str(path))})

    def end(self, summary: Mapping[str, Any] | None) -> None:
        """Close the run, with status failed if it can be resumed."""
        for key, value in (summary or {}).items():
            self._run.summary[key] = value
        self._run.finish(exit_code=0 if summary is not None else 1)
