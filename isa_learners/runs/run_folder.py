"""A run is a folder that says everything about itself."""

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
from isa_wrappers.files import refusal, told, write_text

PACKAGES = ("isa-marl", "torch", "numpy", "gymnasium", "pettingzoo")


class RunFolder:
    """Names the files of a run; see ``docs/run-folder.md``.

    Args:
        path: the folder.
        env: the environment that whoever opens it has named; the run's own one may then be imported.
        trust: import whatever environment the run names.

    Attributes:
        lock: held by the one who writes.
    """

    def __init__(self, path: str | Path, env: str | None = None, trust: bool = False) -> None:
        self.path = Path(path)
        self.config_file = self.path / "config.yaml"
        self.versions_file = self.path / "versions.json"
        self._made_versions = False
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
        """Make the folder, take its lock and write its configuration.

        Raises:
            RunFolderError: if it already holds a run, or cannot be made.
        """
        folder = cls(path, trust=True)  # whoever starts a run has named its environment
        folder._refuse_a_second_run()
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = refusal(error) if isinstance(error, OSError) else error
            raise RunFolderError(f"cannot make run folder {folder.path}: {reason}") from error
        folder.lock.take()
        folder._refuse_a_second_run()  # by one who was faster
        folder.write_versions()
        write_config(config, folder.config_file)  # last: where it is, there is a run
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
        """Return the files in which a run's work lies, which a new one would replace."""
        return self.latest_checkpoint, self.best_checkpoint, self.summary_file

    def take_back(self) -> None:
        """Undo :meth:`create` for a run that could not begin; files of others in the folder stay."""
        self.lock.take()
        own = [self.versions_file] if self._made_versions else []
        for file in (self.config_file, *own, self.lock.path):
            file.unlink(missing_ok=True)
        self.lock.release()
        if not any(self.path.iterdir()):
            self.path.rmdir()

    @classmethod
    def open(cls, path: str | Path, env: str | None = None, trust: bool = False) -> RunFolder:
        """Open an existing run.

        Args:
            path: the folder.
            env: name of the run's environment, where it is one of somebody's own (``module:factory``).
            trust: import whatever environment the run names, unnamed.

        Raises:
            RunFolderError: if the folder holds none.
        """
        folder = cls(path, env, trust)
        if not os.path.exists(folder.config_file):
            if os.path.isdir(folder.path) and any(folder.path.glob(f"*/*/seed*/{folder.config_file.name}")):
                raise RunFolderError(f"{folder.path} holds a comparison; take its runs: {folder.path}/*/*/seed*")
            raise RunFolderError(f"{folder.path} holds no run (no {folder.config_file.name}); start one with isa train")
        return folder

    def config(self) -> RunConfig:
        """Read the configuration."""
        data = read_config_file(self.config_file, regular=True)
        return config_from_dict(data if "phases" in data else _from_before(data))

    def check_trusted(self, config: RunConfig) -> None:
        """Refuse to import code that the folder names and nobody has agreed to.

        Raises:
            UntrustedRunError: if the run's environment is somebody's own and was neither named nor trusted, or if a
                setting names code and the run is not trusted.
            InvalidValueError: if another one was named.
        """
        if self._env is not None and self._env != config.env:
            raise InvalidValueError(f"the run in {self.path} is of task {config.env!r}, got {self._env!r}")
        module, colon, factory = config.env.partition(":")
        if colon and not self._trust and self._env is None:
            raise UntrustedRunError(
                f"{self.config_file} names an environment of its own: module {shown(module)} would be imported "
                f"and its {shown(factory)} called; if you know it, name it again (isa eval RUN --env {config.env}, "
                f"isa train {config.env} --resume RUN; in Python, env={config.env!r}) or give --trust (in Python, "
                "trust=True)"
            )
        for name in () if self._trust else config.imports:
            raise UntrustedRunError(
                f"{self.config_file} names code of its own: {shown(name)} would be imported; if you know it, give "
                "--trust (in Python, trust=True)"
            )

    def first_scope(self) -> Path:
        """Return the folder of the scope that the run began with."""
        first = self.scopes_folder / "0"
        return first if (first / "scope.json").exists() else self.path  # one that is half made is made anew

    def newest_checkpoint(self) -> Path | None:
        """Return the latest checkpoint, the best one where there is no latest, or ``None``."""
        return next((path for path in (self.latest_checkpoint, self.best_checkpoint) if path.exists()), None)

    def write_versions(self) -> None:
        """Write ``versions.json``, where a kill has not let it come to be."""
        if not self.versions_file.exists():
            self._made_versions = True
            write_text(self.versions_file, json.dumps(versions(), indent=2) + "\n")

    def remove_summary(self) -> None:
        """Remove ``summary.json``: a run that goes on is not whole until it is written again."""
        with told(self.summary_file):
            self.summary_file.unlink(missing_ok=True)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json``."""
        write_text(self.summary_file, json.dumps(summary, indent=2, allow_nan=False) + "\n")


def open_runs(paths: Sequence[Path], envs: Sequence[str] = (), trust: bool = False) -> list[RunFolder]:
    """Open several runs; those of an own environment that ``envs`` names are given that name.

    Raises:
        RunFolderError: if a folder holds none.
        InvalidValueError: for a name that is no run's.
    """
    folders = [RunFolder.open(path) for path in paths]
    tasks = [folder.config().env for folder in folders]
    if strange := [env for env in envs if env not in tasks]:
        raise InvalidValueError(f"no run is of task {strange[0]!r}; they are of {', '.join(dict.fromkeys(tasks))}")
    named = [task if task in envs else None for task in tasks]
    return [RunFolder.open(path, env, trust) for path, env in zip(paths, named, strict=True)]


def _from_before(data: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as it is now, made from one from before phases had settings of their own.

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
    """Return the versions of Python and of the packages that matter to a run; ``compiled``: yes or no."""
    installed = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            installed[package] = "not installed"
    return installed | {"compiled": "no" if library() is None else "yes"}
