"""A run is a folder that says everything about itself."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from isa_learners.config import RunConfig
from isa_learners.runs.config_io import config_from_dict, kinds_of, read_config_file, write_config
from isa_wrappers.errors import RunFolderError

PACKAGES = ("isa-marl", "torch", "numpy", "gymnasium", "pettingzoo")


class RunFolder:
    """Names the files of a run; see ``docs/run-folder.md``.

    Args:
        path: the folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config_file = self.path / "config.yaml"
        self.versions_file = self.path / "versions.json"
        self.metrics_file = self.path / "metrics.csv"
        self.summary_file = self.path / "summary.json"
        self.latest_checkpoint = self.path / "checkpoints" / "latest.safetensors"
        self.best_checkpoint = self.path / "checkpoints" / "best.safetensors"

    @classmethod
    def create(cls, path: str | Path, config: RunConfig) -> RunFolder:
        """Make the folder and write its configuration.

        Raises:
            RunFolderError: if it already holds a run, or cannot be made.
        """
        folder = cls(path)
        if folder.config_file.exists():
            raise RunFolderError(
                f"{folder.path} already holds a run; choose another --out, or continue it with --resume"
            )
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            write_config(config, folder.config_file)
            folder.versions_file.write_text(json.dumps(versions(), indent=2) + "\n")
        except OSError as error:
            raise RunFolderError(f"cannot make run folder {folder.path}: {error.strerror}") from error
        return folder

    def take_back(self) -> None:
        """Undo :meth:`create` for a run that could not begin; files of others in the folder stay."""
        self.config_file.unlink(missing_ok=True)
        self.versions_file.unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open an existing run.

        Raises:
            RunFolderError: if the folder holds none.
        """
        folder = cls(path)
        if not folder.config_file.exists():
            raise RunFolderError(f"{folder.path} holds no run (no {folder.config_file.name}); start one with isa train")
        return folder

    def config(self) -> RunConfig:
        """Read the configuration."""
        data = read_config_file(self.config_file)
        return config_from_dict(data if "phases" in data else _from_before(data))

    def newest_checkpoint(self) -> Path | None:
        """Return the latest checkpoint, the best one where there is no latest, or ``None``."""
        return next((path for path in (self.latest_checkpoint, self.best_checkpoint) if path.exists()), None)

    def change_config(self, **values: Any) -> None:
        """Replace configuration values, checked.

        Raises:
            InvalidValueError: if one is out of range.
        """
        write_config(replace(self.config(), **values), self.config_file)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json``."""
        self.summary_file.write_text(json.dumps(summary, indent=2) + "\n")


def _from_before(data: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as it is now, made from one of before phases had settings of their own.

    Then every run had every section, and the scope's estimator was told by its conditioning.
    """
    kept = kinds_of(data)
    data = {key: value for key, value in data.items() if key in kept or key not in ("scope", "count", "goal")}
    scope = data.get("scope")
    if isinstance(scope, dict) and "conditioning" in scope:
        rest = {key: value for key, value in scope.items() if key != "conditioning"}
        data["scope"] = {**rest, "estimator": f"nmi_{scope['conditioning']}"}
    return data


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter to a run."""
    installed = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            installed[package] = "not installed"
    return installed
