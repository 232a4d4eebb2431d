"""Loading of an algorithm from a run's checkpoint."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from isa_learners.checkpoint import load_checkpoint
from isa_learners.config import RunConfig
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.changes import check_edits
from isa_learners.runs.devices import resolve_device
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.scopes import needs_estimate
from isa_wrappers.scope.files import load_scope


def use_threads(config: RunConfig) -> None:
    """Use the configured number of threads; on a busy machine, more than one usually slows training down."""
    if resolve_device(config.device, config.env) == "cpu":
        torch.set_num_threads(config.threads)


def load_algorithm(
    folder: RunFolder, best: bool = False, policy_only: bool = False, config: RunConfig | None = None
) -> tuple[Algorithm, dict[str, Any]]:
    """Load a run's algorithm and the plain data of its checkpoint.

    Args:
        folder: run folder.
        best: use the checkpoint with the best evaluation instead of the latest.
        policy_only: restore only networks and shared objects, which is enough to evaluate, on any available device.
        config: configuration to use instead of the folder's.

    Raises:
        UntrustedRunError: if the folder names a custom environment whose import was not allowed.
        FileFormatError: if the checkpoint is missing, truncated, foreign, or of another configuration.
        InvalidValueError: if ``config.yaml`` has since been edited in a setting that may not change.
    """
    config = folder.config() if config is None else config
    folder.check_trusted(config)
    use_threads(config)
    path = folder.best_checkpoint if best else folder.newest_checkpoint() or folder.latest_checkpoint
    tensors, meta = load_checkpoint(path)
    if not policy_only:
        check_edits(folder, config, meta)
    scope = load_scope(folder.first_scope()) if needs_estimate(config) else None
    copies = 1 if policy_only else None  # an evaluation creates its own copies
    algorithm = Algorithm(config, scope, copies, restored=True)
    algorithm.load_state_dict(tensors, meta, policy_only)
    trained_on = str(meta.get("device"))
    if not policy_only and trained_on.startswith("cuda") != algorithm.device.startswith("cuda"):
        warnings.warn(
            f"{folder.path} was trained on {trained_on!r} until now and continues on {algorithm.device!r}, which draws "
            "other random numbers",
            stacklevel=2,
        )
    if path == folder.best_checkpoint and not best and not policy_only:
        warnings.warn(
            f"{folder.path} has no {folder.latest_checkpoint.name}: it resumes from {path.name} at "
            f"{algorithm.env_steps} steps, and later rows of {folder.metrics_file.name} are dropped",
            stacklevel=2,
        )
    return algorithm, meta


def load(run: str | Path, best: bool = False, env: str | None = None, trust: bool = False) -> Algorithm:
    """Load a finished or stopped run for evaluation: its policy and the objects shared by its phases.

    Args:
        run: run folder.
        best: use the checkpoint with the best evaluation instead of the latest.
        env: name of the run's custom environment (``module:factory``), which allows its import.
        trust: allow the import of any environment and network that the run names.

    Raises:
        RunFolderError: if the folder holds no run.
        UntrustedRunError: if the run's environment is a custom one that was neither named nor trusted.
        FileFormatError: if its checkpoint cannot be read.
    """
    return load_algorithm(RunFolder.open(run, env, trust), best, policy_only=True)[0]
