"""A run of a moment, trained once per session and copied, for pages of it."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from learner_helpers import tiny_config

from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.training import train


@cache
def _trained(algo, seed):
    folder = Path(tempfile.mkdtemp()) / "run"
    train(tiny_config(algo=algo, seed=seed), folder)
    return folder


def small_run_folder(path, seed=0, algo="isa"):
    """Return a finished run in a folder of its own."""
    shutil.copytree(_trained(algo, seed), path)
    return RunFolder.open(path)
