"""Settings that may change during a run (``isa train --resume RUN --set KEY=VALUE``), and the record of changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isa_learners.config import RunConfig
from isa_learners.runs.config_io import apply_layer, config_from_dict, config_to_dict, write_config
from isa_learners.runs.nesting import flattened, nested
from isa_learners.runs.progress import Progress
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import FileFormatError, InvalidValueError, ISAError, shown
from isa_wrappers.files import read_bytes, write_text
from isa_wrappers.plain import read_json

RUN_KEYS = (
    "steps",
    "eval_interval",
    "eval_episodes",
    "eval_limit",
    "checkpoint_interval",
    "stop_when_solved",
    "intrinsic_factor",
    "threads",
    "device",
)
_OF_VALUES = ("gamma", "td_lambda", "target_interval", "epsilon_start", "epsilon_end", "epsilon_steps")
SECTION_KEYS: dict[str, tuple[str, ...]] = {
    "ppo": (
        "lr",
        "epochs",
        "gamma",
        "gae_lambda",
        "dead_lambda",
        "clip",
        "critic_factor",
        "huber",
        "entropy_factor",
        "max_grad_norm",
        "anneal_to",
    ),
    "q": ("lr", "updates", *_OF_VALUES, "max_grad_norm"),
    "coma": ("lr", "critic_lr", *_OF_VALUES, "entropy_factor", "max_grad_norm"),
    "count": ("beta1", "beta2"),
    "goal": ("alpha1", "alpha2", "alpha2_won", "hamming", "first_goals", "selector"),
}
"""Settings that are read at each step or update. Settings that determine tensor shapes, checkpointed state, the
environment, the scope or the credit rule cannot change."""


MACHINE_KEYS = ("workers", "scope_folder", "ppo.fixed_shapes", "q.fixed_shapes", "coma.fixed_shapes")
"""Keys that you may edit in ``config.yaml`` to resume a run on another machine; so are texts in the environment's
options, such as paths."""


@dataclass(frozen=True)
class Change:
    """A change of a setting during a run.

    Attributes:
        env_steps: environment steps at the change.
        key: dotted key.
        before: old value.
        after: new value.
    """

    env_steps: int
    key: str
    before: Any
    after: Any


def may_change(config: RunConfig) -> list[str]:
    """List the keys that may change during a run; keys of a section also for one phase, as ``phases.PHASE.KEY``.

    Example:
        >>> from isa_learners.runs.config_io import make_config
        >>> may_change(make_config("grid/unlock"))[-2:]
        ['ppo.max_grad_norm', 'ppo.anneal_to']
    """
    sections = [name for name in config.sections if name in SECTION_KEYS]
    return [*RUN_KEYS, *(f"{name}.{key}" for name in sections for key in SECTION_KEYS[name])]


def changed_config(config: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """Return a run's configuration with new values.

    Args:
        config: configuration of the run.
        values: new values by section, or by dotted key as in ``--set``.

    Raises:
        InvalidValueError: for a key that is unknown or may not change, or a value out of range.
    """
    values = nested(values)
    new = config_from_dict(apply_layer(config_to_dict(config), values))
    allowed = may_change(config)
    for key in flattened(values):
        if _without_phase(key) not in allowed:
            raise InvalidValueError(
                f"--resume cannot change {key}, as networks, environment, scope or checkpoint depend on it; "
                f"you can change {', '.join(allowed)}"
            )
    return new


def trained_with(meta: Mapping[str, Any]) -> RunConfig | None:
    """Return the configuration in a checkpoint's plain data; ``None`` if it holds no valid one."""
    try:
        return config_from_dict(meta["config"])
    except (ISAError, KeyError):  # a checkpoint of an earlier version
        return None


def check_edits(folder: RunFolder, config: RunConfig, meta: Mapping[str, Any]) -> None:
    """Check that a configuration differs from that of its checkpoint only in settings that may change.

    Raises:
        InvalidValueError: naming the key and both values.
    """
    before = trained_with(meta)
    allowed = {*may_change(config), *MACHINE_KEYS}
    for change in [] if before is None else differences(before, config, 0):
        if _without_phase(change.key) not in allowed and not _is_moved_path(change):
            previous = "without it" if change.before is None else f"with {shown(change.before)}"
            raise InvalidValueError(
                f"{folder.config_file} says {change.key} {shown(change.after)}, its checkpoint was trained {previous}, "
                "which --resume cannot change; set it back"
            )


def _is_moved_path(change: Change) -> bool:
    are_texts = isinstance(change.before, str) and isinstance(change.after, str)
    return are_texts and change.key.startswith("env_kwargs.")


def _without_phase(key: str) -> str:
    return key.split(".", 2)[2] if key.startswith("phases.") and key.count(".") > 2 else key


def differences(before: RunConfig, after: RunConfig, env_steps: int) -> list[Change]:
    """List the differences between two configurations of a run as changes at a step."""
    return _differing(flattened(config_to_dict(before)), flattened(config_to_dict(after)), env_steps)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any], env_steps: int) -> list[Change]:
    keys = [*new, *(key for key in old if key not in new)]
    changes = [Change(env_steps, key, old.get(key), new.get(key)) for key in keys]
    # NaN differs from itself, but its text does not.
    return [change for change in changes if change.before != change.after and repr(change.before) != repr(change.after)]


def check_steps(folder: RunFolder, before: RunConfig, config: RunConfig, done: int, progress: Progress) -> None:
    """Check that a run can continue to a new number of total steps.

    Args:
        folder: run folder.
        before: configuration so far.
        config: new configuration.
        done: environment steps taken.
        progress: progress of the run.

    Raises:
        InvalidValueError: for fewer steps than the run has taken, or for a run that stopped as solved.
    """
    if config.steps != before.steps and config.steps < done:
        raise InvalidValueError(
            f"steps must be at least {done}, which {folder.path} has taken already, got {config.steps}"
        )
    if config.steps > before.steps and config.stop_when_solved and progress.solved is not None:
        raise InvalidValueError(
            f"{folder.path} stopped as solved after {done} steps, got steps {config.steps}; it continues with "
            "--set stop_when_solved=false"
        )


def follow(folder: RunFolder, before: RunConfig, config: RunConfig, done: int | None) -> None:
    """Write the new configuration and record its changes, if there are any.

    Args:
        folder: run folder.
        before: configuration so far.
        config: new configuration.
        done: environment steps taken; ``None`` if the run starts from the beginning, so that nothing is recorded.
    """
    edited = config != folder.config()
    if done is not None and (edited or config != before):
        # After a kill before the next checkpoint, the changes of a resume at this step are already recorded.
        recorded = {change.key: change.after for change in read_changes(folder) if change.env_steps == done}
        known = flattened(config_to_dict(before)) | recorded
        if changes := _differing(known, flattened(config_to_dict(config)), done):
            record(folder, changes)
    if edited:
        write_config(config, folder.config_file)


def record(folder: RunFolder, changes: list[Change]) -> None:
    """Append changes to the folder's ``changes.json``."""
    all_changes = [*read_changes(folder), *changes]
    write_text(folder.changes_file, json.dumps([vars(change) for change in all_changes], indent=2) + "\n")


def read_changes(folder: RunFolder) -> list[Change]:
    """Return the changes made during a run, in order.

    Raises:
        FileFormatError: if the file holds no list of changes.
    """
    if not folder.changes_file.exists():
        return []
    try:
        return [Change(**entry) for entry in read_json(read_bytes(folder.changes_file).decode())]
    except FileFormatError:
        raise
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{folder.changes_file} is not a list of changes ({shown(error)})") from error
