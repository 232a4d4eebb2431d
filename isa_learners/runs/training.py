"""A complete run in its folder: scope, iterations, evaluations and summary; hooks write the files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from isa_learners.checkpoint import save_checkpoint
from isa_learners.config import RunConfig
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.changes import changed_config, check_steps, follow, trained_with
from isa_learners.runs.checks import check_run
from isa_learners.runs.config_io import config_to_dict
from isa_learners.runs.evaluation import evaluation_seed
from isa_learners.runs.hooks import Checkpoints, Hook
from isa_learners.runs.loading import load_algorithm, use_threads
from isa_learners.runs.metrics import CSVMetrics
from isa_learners.runs.progress import Progress, Timestamp, next_due
from isa_learners.runs.run_folder import RunFolder, versions
from isa_learners.runs.scope_versions import ScopeVersions
from isa_learners.runs.scopes import needs_estimate, scope_for
from isa_learners.runs.signals import Interrupted, StopRequest
from isa_learners.runs.trackers.tensorboard import TensorBoard
from isa_wrappers.errors import CannotWriteError, FileFormatError
from isa_wrappers.plain import finite
from isa_wrappers.scope.files import save_scope
from isa_wrappers.wrappers.episode_statistics import Totals


def train(config: RunConfig, out: str | Path, hooks: Sequence[Hook] = ()) -> dict[str, Any]:
    """Train from the start in a new run folder.

    Args:
        config: configuration of the run, from :func:`~isa_learners.runs.config_io.make_config`.
        out: run folder.
        hooks: additional hooks, called after those that write the folder.

    Returns:
        The summary, as in ``summary.json``.

    Raises:
        RunFolderError: if the folder already holds a run.
        ISAError: if the task, the scope or the configuration is invalid.
    """
    check_run(config)
    training = Training(RunFolder.create(out, config), hooks=hooks)
    try:
        return training.run()
    finally:
        training.algorithm.close()


class Training:
    """Runs a configuration in its folder, from the start or from its checkpoint.

    Args:
        folder: run folder.
        resume: resume from the latest checkpoint of the folder, if it has one.
        hooks: additional hooks, called after those that write metrics and checkpoints.
        tensorboard: write TensorBoard files.
        steps: total environment steps, instead of the configured number; saved once the checkpoint is loaded.
        changes: new values for settings that may change, by section or dotted key; recorded in ``changes.json``.

    Attributes:
        kept: whether an error ended the run and the latest checkpoint holds the state before it.

    Raises:
        RunFolderError: if another process trains in the folder.
        UntrustedRunError: if the folder names a custom environment that may not be imported.
        FileFormatError: if the checkpoint cannot be read; the folder stays unchanged.
        InvalidValueError: if the run is already beyond ``steps``, or ``changes`` holds a setting that may not change.
    """

    def __init__(
        self,
        folder: RunFolder,
        resume: bool = False,
        hooks: Sequence[Hook] = (),
        tensorboard: bool = True,
        steps: int | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.resumed = folder, resume
        self.kept = False
        written = [ScopeVersions(), CSVMetrics(), *([TensorBoard()] if tensorboard else []), Checkpoints()]
        self.hooks: list[Hook] = [*written, *hooks]
        self._before = configured = folder.config()
        folder.check_trusted(configured)
        requested = ({} if steps is None else {"steps": steps}) | dict(changes or {})
        self.config: RunConfig = changed_config(configured, requested) if requested else configured
        self.progress = Progress(next_eval=self.config.eval_interval, next_checkpoint=self.config.checkpoint_interval)
        folder.lock.take()
        try:
            use_threads(self.config)
            self._began = time.perf_counter()
            continues = resume and folder.newest_checkpoint() is not None
            self.algorithm = self._load() if continues else self._start()
            if continues and self.config != self._before:
                self.algorithm.check()
            done = self.algorithm.env_steps
            check_steps(folder, self._before, self.config, done, self.progress)
            self.progress.follow_intervals(done, self.config.eval_interval, self.config.checkpoint_interval)
            folder.lock.clear_left_over()
            folder.write_versions()
            self._notify("on_start")
            follow(folder, self._before, self.config, done if continues else None)  # last: a tracker may refuse the run
        except BaseException:
            folder.lock.release(undo=True)
            raise

    def _notify(self, event: str, *arguments: Any) -> None:
        for hook in self.hooks:
            getattr(hook, event)(self, *arguments)

    def _start(self) -> Algorithm:
        if needs_estimate(self.config):
            self._notify("on_phase", "scope", 0)
        scope, steps = scope_for(self.config, lambda env_steps: self._notify("on_scope", env_steps))
        if scope is not None:
            save_scope(scope, self.folder.path)
        algorithm = Algorithm(self.config, scope)
        algorithm.env_steps = steps
        return algorithm

    def _load(self) -> Algorithm:
        algorithm, meta = load_algorithm(self.folder, config=self.config)
        try:
            self.progress = msgspec.convert(meta["progress"], Progress)
        except (KeyError, msgspec.ValidationError) as error:
            checkpoint = self.folder.newest_checkpoint()
            raise FileFormatError(f"{checkpoint} does not hold a run's progress ({error})") from error
        self._before = trained_with(meta) or self._before
        self._began -= self.progress.wall_time
        return algorithm

    def run(self) -> dict[str, Any]:
        """Train for the configured steps, or until solved, and return the summary.

        Raises:
            Interrupted: after Ctrl-C, SIGTERM or SIGHUP, once a checkpoint is written.
            Exception: an error of the environment, once a checkpoint is written if possible; see :attr:`kept`.
            CannotWriteError: if the disk is full or the folder is gone; the last checkpoint stays intact.
        """
        try:
            with StopRequest() as stop:
                self._notify("on_phase", self.algorithm.phase.name, self.algorithm.env_steps)
                if self._should_continue():
                    self.folder.remove_summary()
                while self._should_continue():
                    try:
                        self._iterate()
                    except Exception as error:
                        self._save_after_error(error)
                        if stop.signal and self.kept:  # the signal may have ended an environment's processes too
                            raise Interrupted(stop.signal) from error
                        raise
                    if stop.signal:
                        self._notify("on_end", None)
                        raise Interrupted(stop.signal)
                summary = self.summary()
                self._notify("on_end", summary)
                self.folder.write_summary(summary)  # last, as this file marks the run as complete
        finally:
            self.folder.lock.release()
        return summary

    def _save_after_error(self, error: Exception) -> None:
        """After an error, save the state before it if that state is sound and can be written."""
        if isinstance(error, CannotWriteError) or not self.algorithm.sound():
            return
        with suppress(Exception):  # report only the first error
            self._notify("on_end", None)
            self.kept = True

    def _should_continue(self) -> bool:
        solved = self.config.stop_when_solved and self.progress.solved is not None
        return self.algorithm.env_steps < self.config.steps and not solved

    def _iterate(self) -> None:
        algorithm, progress = self.algorithm, self.progress
        phase, steps, began = algorithm.phase, algorithm.env_steps, time.perf_counter()
        metrics = algorithm.iterate()
        now = time.perf_counter()
        metrics["steps_per_second"] = (algorithm.env_steps - steps) / (now - began)
        progress.wall_time = now - self._began
        if progress.first_success is None and phase.statistics.won_any():
            progress.first_success = self._timestamp()
        if algorithm.phase is not phase:
            progress.carried = progress.carried.plus(phase.statistics.totals())
            self._notify("on_phase", algorithm.phase.name, algorithm.env_steps)
        if algorithm.env_steps >= progress.next_eval:
            self._evaluate(metrics)
        self._notify("on_iteration", {"phase": phase.name, "env_steps": algorithm.env_steps, **metrics})

    def _evaluate(self, metrics: dict[str, float]) -> None:
        algorithm, progress, config = self.algorithm, self.progress, self.config
        evaluation = algorithm.evaluate(config.eval_episodes, evaluation_seed(config.seed, algorithm.env_steps))
        played = algorithm.phase.statistics
        statistics = progress.carried.plus(played.totals()).means()
        played.take()  # now, so that the checkpoint after a failed evaluation still holds these episodes
        progress.carried = Totals()
        progress.wall_time = time.perf_counter() - self._began
        progress.next_eval = next_due(algorithm.env_steps, config.eval_interval)
        progress.evaluated(evaluation.success_rate, self._timestamp())
        progress.last = {
            **self._timestamp(),
            "phase": algorithm.phase.name,
            "success_rate": evaluation.success_rate,
            "return_mean": evaluation.return_mean,
            "episode_length": evaluation.episode_length,
            **{"train_" + name: value for name, value in statistics.items()},
            **metrics,
        }
        self._notify("on_evaluation", progress.last)

    def _timestamp(self) -> Timestamp:
        return {"env_steps": self.algorithm.env_steps, "wall_time_s": round(self.progress.wall_time, 3)}

    def save(self, best: bool = False) -> None:
        """Write a checkpoint: the latest, or the one with the best evaluation."""
        tensors, meta = self.algorithm.state_dict()
        path = self.folder.best_checkpoint if best else self.folder.latest_checkpoint
        save_checkpoint(path, tensors, meta | {"progress": vars(self.progress), "config": config_to_dict(self.config)})

    def summary(self) -> dict[str, Any]:
        """Return the contents of ``summary.json``; unknown values are ``None``."""
        progress, config = self.progress, self.config
        summary: dict[str, Any] = {
            "env": config.env,
            "algo": config.algo,
            "preset": config.preset,
            "seed": config.seed,
            **self._timestamp(),
            "device": self.algorithm.device,
            "phase": self.algorithm.phase.name,
            "success_rate": progress.last.get("success_rate"),
            "return_mean": progress.last.get("return_mean"),
            "best_success_rate": progress.best if progress.best >= 0.0 else None,
            "evaluated_at": progress.last.get("env_steps"),
            "first_success": progress.first_success,
            "solved": progress.solved,
            "versions": versions(),
        }
        return dict(finite(summary))
