"""Run folders, which hold everything about a run."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from isa_learners.compiled.library import library
from isa_learners.config import RunConfig
from isa_learners.runs.config_io import config_from_dict, kinds_of, read_config_file, write_config
from isa_learners.runs.lock import FolderLock
from isa_wrappers.errors import InvalidValueError, RunFolderError, UntrustedRunError, shown
from isa_wrappers.files import convert_write_errors, refusal, write_text

PACKAGES = ("isa-marl", "torch", "numpy", "gymnasium", "pettingzoo")


class RunFolder:
    """The files of a run; see ``docs/run-folder.md``.

    Args:
        path: the folder.
        env: name of the run's custom environment (``module:factory``), which allows its import.
        trust: allow the import of any environment and network that the run names.

    Attributes:
        lock: lock that the writing process holds.
    """

    def __init__(self, path: str | Path, env: str | None = None, trust: bool = False) -> None:
        self.path = Path(path)
        self.config_file = self.path / "config.yaml"
        self.versions_file = self.path / "versions.json"
        self._created_versions = False
        self.metrics_file = self.path / "metrics.csv"
        self.summary_file = self.path / "summary.json"
        self.latest_checkpoint = self.path / "checkpoints" / "latest.safetensors"
        self.best_checkpoint = self.path / "checkpoints" / "best.safetensors"
        self.changes_file = self.path / "changes.json"
        self.scopes_folder = self.path / "scopes"
        self.lock = FolderLock(self.path)
        self._env, self._trust = env, trust

    @classmethod
    def create(cls, path: str | Path, config: RunConfig) -> RunFolder:
        """Create the folder, take its lock and write its configuration.

        Raises:
            RunFolderError: if it already holds a run or cannot be created.
        """
        folder = cls(path, trust=True)  # whoever starts a run names its environment
        folder._refuse_a_second_run()
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = refusal(error) if isinstance(error, OSError) else error
            raise RunFolderError(f"cannot create run folder {folder.path}: {reason}") from error
        folder.lock.take()
        folder._refuse_a_second_run()  # that another process created meanwhile
        folder.write_versions()
        write_config(config, folder.config_file)  # last, as this file marks the folder as a run
        return folder

    def _refuse_a_second_run(self) -> None:
        if os.path.exists(self.config_file):
            raise RunFolderError(
                f"{self.path} already holds a run; choose another --out, or continue it with --resume (in Python, "
                "Training(RunFolder.open(...), resume=True))"
            )
        for file in self._written_over():
            if os.path.exists(file):
                raise RunFolderError(
                    f"{self.path} holds {file.relative_to(self.path)} but no {self.config_file.name}; choose another "
                    f"--out, or put that run's {self.config_file.name} back and continue it with --resume"
                )

    def _written_over(self) -> tuple[Path, ...]:
        """Return the files with results that a new run would overwrite."""
        return self.latest_checkpoint, self.best_checkpoint, self.summary_file

    def take_back(self) -> None:
        """Undo :meth:`create` for a run that could not start; other files in the folder are kept."""
        self.lock.take()
        created = [self.versions_file] if self._created_versions else []
        for file in (self.config_file, *created, self.lock.path):
            file.unlink(missing_ok=True)
        self.lock.release()
        if not any(self.path.iterdir()):
            self.path.rmdir()

    @classmethod
    def open(cls, path: str | Path, env: str | None = None, trust: bool = False) -> RunFolder:
        """Open an existing run.

        Args:
            path: the folder.
            env: name of the run's custom environment (``module:factory``), which allows its import.
            trust: allow the import of any environment and network that the run names.

        Raises:
            RunFolderError: if the folder holds no run.
        """
        folder = cls(path, env, trust)
        if not os.path.exists(folder.config_file):
            if os.path.isdir(folder.path) and any(folder.path.glob(f"*/*/seed*/{folder.config_file.name}")):
                raise RunFolderError(f"{folder.path} holds a comparison; use its runs: {folder.path}/*/*/seed*")
            raise RunFolderError(f"{folder.path} holds no run (no {folder.config_file.name}); start one with isa train")
        return folder

    def config(self) -> RunConfig:
        """Read the configuration."""
        data = read_config_file(self.config_file, regular=True)
        return config_from_dict(data if "phases" in data else _from_before(data))

    def check_trusted(self, config: RunConfig) -> None:
        """Refuse custom code that the folder names and the user has not allowed.

        Raises:
            UntrustedRunError: if the run's environment is a custom one that was neither named nor trusted, or if a
                setting names custom code and the run is not trusted.
            InvalidValueError: if another environment was named.
        """
        if self._env is not None and self._env != config.env:
            raise InvalidValueError(f"the run in {self.path} is of task {config.env!r}, got {self._env!r}")
        module, colon, factory = config.env.partition(":")
        if colon and not self._trust and self._env is None:
            raise UntrustedRunError(
                f"{self.config_file} names a custom environment: module {shown(module)} would be imported "
                f"and its {shown(factory)} called; if you trust it, name it again (isa eval RUN --env {config.env}, "
                f"isa train {config.env} --resume RUN; in Python, env={config.env!r}) or give --trust (in Python, "
                "trust=True)"
            )
        for name in () if self._trust else config.imports:
            raise UntrustedRunError(
                f"{self.config_file} names custom code: {shown(name)} would be imported; if you trust it, give "
                "--trust (in Python, trust=True)"
            )

    def first_scope(self) -> Path:
        """Return the folder of the scope that the run started with."""
        first = self.scopes_folder / "0"
        return first if (first / "scope.json").exists() else self.path  # an incomplete folder is written again

    def newest_checkpoint(self) -> Path | None:
        """Return the latest checkpoint, else the best one, else ``None``."""
        return next((path for path in (self.latest_checkpoint, self.best_checkpoint) if path.exists()), None)

    def write_versions(self) -> None:
        """Write ``versions.json`` if it is missing, as after a kill."""
        if not self.versions_file.exists():
            self._created_versions = True
            write_text(self.versions_file, json.dumps(versions(), indent=2) + "\n")

    def remove_summary(self) -> None:
        """Remove ``summary.json``, as a continued run is incomplete until it is written again."""
        with convert_write_errors(self.summary_file):
            self.summary_file.unlink(missing_ok=True)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json``."""
        write_text(self.summary_file, json.dumps(summary, indent=2, allow_nan=False) + "\n")


def open_runs(paths: Sequence[Path], envs: Sequence[str] = (), trust: bool = False) -> list[RunFolder]:
    """Open several runs; ``envs`` names the custom environments whose import is allowed.

    Raises:
        RunFolderError: if a folder holds no run.
        InvalidValueError: for an environment that none of the runs uses.
    """
    folders = [RunFolder.open(path) for path in paths]
    tasks = [folder.config().env for folder in folders]
    if unused := [env for env in envs if env not in tasks]:
        raise InvalidValueError(f"no run uses task {unused[0]!r}; they use {', '.join(dict.fromkeys(tasks))}")
    allowed = [task if task in envs else None for task in tasks]
    return [RunFolder.open(path, env, trust) for path, env in zip(paths, allowed, strict=True)]


def _from_before(data: dict[str, Any]) -> dict[str, Any]:
    """Convert a configuration from before phases had their own settings.

    At that time every run had every section, and ``conditioning`` chose the estimator of the scope.
    """
    known = kinds_of(data)
    data = {key: value for key, value in data.items() if key in known or key not in ("scope", "count", "goal")}
    scope = data.get("scope")
    if isinstance(scope, dict) and "conditioning" in scope:
        rest = {key: value for key, value in scope.items() if key != "conditioning"}
        data["scope"] = {**rest, "estimator": f"nmi_{scope['conditioning']}"}
    return data


def versions() -> dict[str, str]:
    """Return the versions of Python and of the relevant packages; ``compiled`` is yes or no."""
    installed = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            installed[package] = "not installed"
    return installed | {"compiled": "no" if library() is None else "yes"}
