"""MLflow: runs of the experiment ``isa`` or ``MLFLOW_EXPERIMENT_NAME``, stored at ``MLFLOW_TRACKING_URI``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isa_learners.runs.config_io import config_to_dict
from isa_learners.runs.nesting import flattened
from isa_learners.runs.trackers.base import Tracker
from isa_learners.runs.trackers.tags import tagged

if TYPE_CHECKING:
    from isa_learners.runs.training import Training

LONGEST = 500
"""Maximum number of characters of a setting in all of MLflow's stores."""


class MLflowTracker(Tracker):
    """Logs a run to MLflow through a separate client, so that other open runs of the program are unaffected."""

    name = "mlflow"
    package = "mlflow"
    offline = "MLFLOW_TRACKING_URI=sqlite:///mlflow.db keeps it on this machine"

    def begin(self, training: Training, known: str | None) -> str:
        """Open the run with its settings."""
        self._client: Any = self.library.MlflowClient()
        if known is not None:
            self._id = known
            self._client.update_run(known, status="RUNNING")
            return known
        experiment_name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "isa")
        experiment = self._client.get_experiment_by_name(experiment_name)
        experiment_id = (
            self._client.create_experiment(experiment_name) if experiment is None else experiment.experiment_id
        )
        self._id = str(self._client.create_run(experiment_id, run_name=training.folder.path.resolve().name).info.run_id)
        for key, value in flattened(config_to_dict(training.config)).items():
            self._client.log_param(self._id, key, str(value)[:LONGEST])
        return self._id

    def add(self, env_steps: int, row: Mapping[str, Any]) -> None:
        """Add an evaluation."""
        now, metric = int(time.time() * 1000), self.library.entities.Metric
        numbers = [metric(tag, value, now, env_steps) for tag, value in tagged(row).items()]
        self._client.log_batch(self._id, metrics=numbers)

    def add_picture(self, name: str, path: Path) -> None:
        """Add a picture."""
        self._client.log_artifact(self._id, str(path))

    def end(self, summary: Mapping[str, Any] | None) -> None:
        """Close the run, with status killed if it can be resumed."""
        if summary is not None:
            self._client.log_dict(self._id, dict(summary), "summary.json")
        self._client.set_terminated(self._id, "FINISHED" if summary is not None else "KILLED")
