"""Completes one run of a plan in a separate process, from its checkpoint if it has one.

    python -m isa_learners.experiments.one_run FOLDER --episodes 128
    python -m isa_learners.experiments.one_run FOLDER --episodes 128 --env door:Door --import door:Net

If its standard input closes, because the parent process is gone, it writes a checkpoint and ends.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from isa_learners.experiments.ending import FINAL, Final, read_summary
from isa_wrappers.envs.foreign_errors import print_failure
from isa_wrappers.errors import FileFormatError, ISAError, RunFolderError, one_line
from isa_wrappers.files import write_text

if TYPE_CHECKING:
    from isa_learners.runs.run_folder import RunFolder

FINAL_SEED = 1_000_003
"""Seed of the final episodes, the same for every run."""
PATIENCE = 60.0
"""Seconds to wait for another writer, which may still write its last checkpoint."""


def run_to_end(path: Path, episodes: int, env: str | None = None, imports: Sequence[str] = ()) -> Final:
    """Train a run to its end and evaluate its last checkpoint; return the contents of ``final.json``.

    Args:
        path: path of the run folder, which holds the configuration.
        episodes: number of greedy episodes.
        env: custom environment of the plan, which allows its import.
        imports: other custom code of the plan as ``package.module:name``, such as a network.

    Raises:
        UntrustedRunError: if the folder names code that is not in the plan.
        RunFolderError: if no final episode finished.
        ISAError: for errors in training.
        Interrupted: after a signal, once a checkpoint is written.
    """
    from isa_learners.runs.evaluation import LOST
    from isa_learners.runs.loading import load_algorithm
    from isa_learners.runs.training import Training

    folder = _opened(path, env, imports)
    _wait_for(folder)
    if not _is_trained(folder):
        training = Training(folder, resume=True, tensorboard=False)
        try:
            training.run()
        finally:
            training.algorithm.close()
    algorithm, meta = load_algorithm(folder, policy_only=True)
    try:
        evaluation = algorithm.evaluate(episodes, FINAL_SEED)
    finally:
        algorithm.close()
    if not evaluation.episodes:
        raise RunFolderError(f"none of the {episodes} final episodes of {path} finished: {LOST}")
    final = Final(
        meta["env_steps"],
        episodes,
        evaluation.success_rate,
        evaluation.return_mean,
        evaluation.episode_length,
        evaluation.episodes,
    )
    write_text(path / FINAL, json.dumps(asdict(final), indent=2) + "\n")
    return final


def _opened(path: Path, env: str | None, imports: Sequence[str]) -> RunFolder:
    """Open a run's folder and allow the given imports, if its configuration names no others."""
    from isa_learners.runs.run_folder import RunFolder

    folder = RunFolder.open(path, env)
    config = folder.config()
    is_trusted = set(config.imports) <= set(imports) and (":" not in config.env or config.env == env)
    return RunFolder.open(path, env, trust=True) if is_trusted else folder


def _is_trained(folder: RunFolder) -> bool:
    """Return whether the training of a run is complete, according to its summary and checkpoint.

    Raises:
        FileFormatError: if its summary is damaged and there is no checkpoint to recreate it from.
    """
    from isa_learners.checkpoint import load_checkpoint

    newest = folder.newest_checkpoint()
    try:
        summary = read_summary(folder.path)
    except FileFormatError:
        if newest is None:
            raise
        return False
    if summary is None or not summary.is_whole(folder.config()):
        return False
    # Without the latest checkpoint the run resumes from the best one; without any, loading reports it.
    return newest is None or load_checkpoint(newest)[1].get("env_steps") == summary.env_steps


def _wait_for(folder: RunFolder) -> None:
    """Wait some time for another writer to finish."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            folder.lock.take()
        except RunFolderError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _end_with_stdin() -> None:
    while os.read(0, 4096):  # unbuffered, so that no lock is held when the interpreter exits
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main(arguments: list[str] | None = None) -> int:
    """Complete the run; return the exit code: 0, 1 or 2 with one line on stderr, or that of a signal."""
    parser = argparse.ArgumentParser(prog="one_run")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--episodes", type=int, required=True)
    parser.add_argument("--env")
    parser.add_argument("--import", dest="imports", action="append", default=[])
    options = parser.parse_args(arguments)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    from isa_learners.runs.signals import Interrupted

    try:
        run_to_end(options.folder, options.episodes, options.env, options.imports)
    except Interrupted as stopped:
        return 128 + stopped.signal
    except ISAError as error:
        sys.stderr.write(f"isa: {one_line(error)}\n")
        return 2
    except Exception as error:
        if not print_failure(error):
            raise
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
