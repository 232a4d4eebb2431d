"""One run of a plan, in a process of its own: to its end, from its checkpoint where it has one.

    python -m isa_learners.experiments.one_run FOLDER --episodes 128

Ends when its standard input does, with a checkpoint written: whoever started it is gone.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from isa_wrappers.errors import ISAError, RunFolderError
from isa_wrappers.files import read_bytes, write_text
from isa_wrappers.plain import read_json

FINAL = "final.json"
"""What the last checkpoint does in greedy episodes, beside a run's summary."""
FINAL_SEED = 1_000_003
"""Of those episodes: no evaluation of a run is seeded so."""
PATIENCE = 60.0
"""Seconds to wait for another writer, which may be writing its last checkpoint."""


def run_to_end(path: Path, episodes: int, env: str | None = None) -> dict[str, Any]:
    """Train a run to its end and play greedy episodes with its last checkpoint; return what ``final.json`` holds.

    Args:
        path: of the run's folder, whose configuration is there.
        episodes: greedy episodes to play.
        env: the run's environment, named again by whoever made the plan.

    Raises:
        ISAError: as training does.
        Interrupted: after a signal, with a checkpoint written.
    """
    from isa_learners.runs.loading import load_algorithm
    from isa_learners.runs.run_folder import RunFolder
    from isa_learners.runs.training import Training

    folder = RunFolder.open(path, env)
    _wait_for(folder)
    if not folder.summary_file.exists():
        training = Training(folder, resume=True, tensorboard=False)
        try:
            training.run()
        finally:
            training.algorithm.close()
    algorithm, meta = load_algorithm(folder, policy_only=True)
    try:
        found = algorithm.evaluate(episodes, FINAL_SEED)
    finally:
        algorithm.close()
    final = {
        "env_steps": meta["env_steps"],
        "episodes": episodes,
        "success_rate": found.success_rate,
        "return_mean": found.return_mean,
        "episode_length": found.episode_length,
    }
    write_text(path / FINAL, json.dumps(final, indent=2) + "\n")
    return final


def read_final(path: Path, episodes: int) -> dict[str, Any] | None:
    """Return what ``final.json`` of a run holds; ``None`` where it is not there, not whole or of other episodes."""
    try:
        final = read_json(read_bytes(path / FINAL))
    except (OSError, ValueError, ISAError):
        return None
    whole = isinstance(final, dict) and isinstance(final.get("success_rate"), int | float)
    return final if whole and final.get("episodes") == episodes else None


def _wait_for(folder: Any) -> None:
    """Wait for the end of another writer for a while."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            folder.lock.take()
        except RunFolderError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def _end_with_stdin() -> None:
    while os.read(0, 4096):  # unbuffered: no lock is held when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit code: 0, 1 or 2 with one line on stderr, or a signal's."""
    parser = argparse.ArgumentParser(prog="one_run")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--episodes", type=int, required=True)
    parser.add_argument("--env")
    given = parser.parse_args(arguments)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    from isa_learners.runs.training import Interrupted

    try:
        run_to_end(given.folder, given.episodes, given.env)
    except Interrupted as stopped:
        return 128 + stopped.signal
    except ISAError as error:
        sys.stderr.write(f"isa: {' '.join(str(error).split())}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
