"""A whole run: scope, iterations, evaluations, checkpoints, metrics, summary, all in a run folder."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch

from isa_learners.runs.algorithm import ENV_SEEDS, Algorithm, resolve_device, scope_for
from isa_learners.checkpoint import load_checkpoint, save_checkpoint
from isa_learners.config import SOLVED_EVALUATIONS, SOLVED_RATE, RunConfig
from isa_learners.runs.metrics import MetricsWriter
from isa_learners.runs.run_folder import RunFolder, versions
from isa_wrappers.errors import FileFormatError
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.files import load_scope, save_scope

Report = Callable[[str, dict[str, Any]], None]
"""Called with the phase and the latest values: after the scope, every iteration and every evaluation."""


class Interrupted(Exception):  # noqa: N818 - not an error: the user asked
    """Ctrl-C: the run stopped between two iterations and its checkpoint is written."""


@dataclass
class Progress:
    """What a run knows of itself beyond the algorithm's state; saved with it.

    Attributes:
        wall_time: seconds of training, over all sittings, evaluations included.
        next_eval: environment steps at which the next evaluation is due.
        next_checkpoint: the same for the latest checkpoint.
        best: highest success rate so far.
        streak: evaluations in a row at ``SOLVED_RATE`` or better.
        streak_start: environment steps and seconds of the streak's first.
        solved: the same once the streak reached ``SOLVED_EVALUATIONS``.
        first_success: environment steps and seconds of the first won episode.
        last: the latest evaluation's row.
    """

    wall_time: float = 0.0
    next_eval: int = 0
    next_checkpoint: int = 0
    best: float = -1.0
    streak: int = 0
    streak_start: dict[str, float] | None = None
    solved: dict[str, float] | None = None
    first_success: dict[str, float] | None = None
    last: dict[str, Any] = field(default_factory=dict)


class Training:
    """Runs a configuration in its folder, from the start or from its checkpoint.

    Args:
        folder: of the run.
        resume: go on from the folder's latest checkpoint, where it has one.
        report: told how it goes.
        tensorboard: write TensorBoard's files.
    """

    def __init__(
        self, folder: RunFolder, resume: bool = False, report: Report | None = None, tensorboard: bool = True
    ) -> None:
        self.folder, self.report = folder, report or (lambda phase, values: None)
        self.config: RunConfig = folder.config()
        self.progress = Progress(next_eval=self.config.eval_interval, next_checkpoint=self.config.checkpoint_interval)
        _use_threads(self.config)
        self._stop = False
        self._began = time.perf_counter()
        if resume and folder.newest_checkpoint() is not None:
            self.algorithm = self._load()
        else:
            self.algorithm = self._start()
        self._metrics = MetricsWriter(folder.path, self.algorithm.env_steps if resume else 0, tensorboard)

    def _start(self) -> Algorithm:
        scope: InfluenceScope | None = None
        steps = 0
        if self.config.algo == "isa":
            self.report("scope", {"env_steps": 0})
            scope, steps = scope_for(self.config)
            save_scope(scope, self.folder.path)
        algorithm = Algorithm(self.config, scope)
        algorithm.env_steps = steps
        return algorithm

    def _load(self) -> Algorithm:
        algorithm, meta = load_algorithm(self.folder)
        try:
            self.progress = Progress(**meta["progress"])
        except (KeyError, TypeError) as error:
            raise FileFormatError(
                f"{self.folder.latest_checkpoint} does not hold a run's progress ({error})"
            ) from error
        self._began -= self.progress.wall_time
        return algorithm

    def run(self) -> dict[str, Any]:
        """Train to the configured steps (or until solved); return the summary.

        Raises:
            Interrupted: after Ctrl-C, with a checkpoint written.
        """
        # Only the main thread may catch signals; elsewhere Ctrl-C is the caller's matter.
        catch = threading.current_thread() is threading.main_thread()
        before = signal.signal(signal.SIGINT, self._on_interrupt) if catch else None
        try:
            with self._metrics:
                while self.algorithm.env_steps < self.config.steps and not self._finished():
                    self._iterate()
                    if self._stop:
                        self.save()
                        raise Interrupted
            self.save()
        finally:
            if catch:
                signal.signal(signal.SIGINT, before)
        summary = self.summary()
        self.folder.write_summary(summary)
        return summary

    def _finished(self) -> bool:
        return self.config.stop_when_solved and self.progress.solved is not None

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._stop:
            raise KeyboardInterrupt
        self._stop = True

    def _iterate(self) -> None:
        algorithm, progress = self.algorithm, self.progress
        phase, steps, began = algorithm.phase, algorithm.env_steps, time.perf_counter()
        metrics = algorithm.iterate()
        now = time.perf_counter()
        metrics["steps_per_second"] = (algorithm.env_steps - steps) / (now - began)
        progress.wall_time = now - self._began
        if progress.first_success is None and metrics["goals"] > 0:
            progress.first_success = self._here()
        self.report(phase.name, {"env_steps": algorithm.env_steps, **metrics})
        if algorithm.env_steps >= progress.next_eval:
            self._evaluate(metrics, phase.recorder.take())
        if algorithm.env_steps >= progress.next_checkpoint:
            interval = self.config.checkpoint_interval
            progress.next_checkpoint = (algorithm.env_steps // interval + 1) * interval
            self.save()

    def _evaluate(self, metrics: dict[str, float], train: dict[str, float]) -> None:
        algorithm, progress, config = self.algorithm, self.progress, self.config
        # The seed depends on the step alone, so that evaluating leaves training's random numbers as they are.
        seed = (config.seed + 1_000_003 * algorithm.env_steps) % ENV_SEEDS
        found = algorithm.evaluate(config.eval_episodes, seed)
        progress.wall_time = time.perf_counter() - self._began
        progress.next_eval = (algorithm.env_steps // config.eval_interval + 1) * config.eval_interval
        solved_now = found.success_rate >= SOLVED_RATE
        if solved_now and progress.streak == 0:
            progress.streak_start = self._here()
        progress.streak = progress.streak + 1 if solved_now else 0
        if progress.solved is None and progress.streak >= SOLVED_EVALUATIONS:
            progress.solved = progress.streak_start
        row = {
            **self._here(),
            "phase": algorithm.phase.name,
            "success_rate": found.success_rate,
            "return_mean": found.return_mean,
            "episode_length": found.episode_length,
            **{"train_" + name.removeprefix("train_"): value for name, value in train.items()},
            **metrics,
        }
        progress.last = row
        self._metrics.write(row)
        self.report(algorithm.phase.name, row)
        if found.success_rate > progress.best:
            progress.best = found.success_rate
            self.save(best=True)

    def _here(self) -> dict[str, float]:
        return {"env_steps": self.algorithm.env_steps, "wall_time_s": round(self.progress.wall_time, 3)}

    def save(self, best: bool = False) -> None:
        """Write a checkpoint: the latest, or the one with the best evaluation so far."""
        tensors, meta = self.algorithm.state_dict()
        path = self.folder.best_checkpoint if best else self.folder.latest_checkpoint
        save_checkpoint(path, tensors, {**meta, "progress": vars(self.progress)})

    def summary(self) -> dict[str, Any]:
        """Return what ``summary.json`` holds."""
        progress, config = self.progress, self.config
        return {
            "env": config.env,
            "algo": config.algo,
            "preset": config.preset,
            "seed": config.seed,
            **self._here(),
            "device": self.algorithm.device,
            "phase": self.algorithm.phase.name,
            "success_rate": progress.last.get("success_rate"),
            "return_mean": progress.last.get("return_mean"),
            "best_success_rate": progress.best if progress.last else None,
            "first_success": progress.first_success,
            "solved": progress.solved,
            "versions": versions(),
        }


def _use_threads(config: RunConfig) -> None:
    """Take the configured number of threads: on a busy machine more than one costs far more than it gains."""
    if resolve_device(config.device, config.env) == "cpu":
        torch.set_num_threads(config.threads)


def load_algorithm(
    folder: RunFolder, best: bool = False, policy_only: bool = False
) -> tuple[Algorithm, dict[str, Any]]:
    """Rebuild a run's algorithm from its checkpoint; also the checkpoint's plain data.

    Args:
        folder: of the run.
        best: take the checkpoint with the best evaluation, not the newest.
        policy_only: restore networks and goals alone, enough to evaluate, on whatever device there is.

    Raises:
        FileFormatError: if the checkpoint is missing, truncated, foreign, or of another configuration.
    """
    config = folder.config()
    _use_threads(config)
    path = folder.best_checkpoint if best else folder.newest_checkpoint() or folder.latest_checkpoint
    tensors, meta = load_checkpoint(path)
    scope = load_scope(folder.path) if config.algo == "isa" else None
    algorithm = Algorithm(config, scope)
    algorithm.load_state_dict(tensors, meta, policy_only)
    return algorithm, meta
