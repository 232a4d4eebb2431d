"""Learning curves of runs, and the grouping of runs whose configurations differ only in the seed."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_learners.algorithms import ALGORITHMS
from isa_learners.config import RunConfig
from isa_learners.learner import LEARNERS
from isa_learners.runs.changes import read_changes
from isa_learners.runs.config_io import config_to_dict
from isa_learners.runs.metrics import columns_of, read_metrics
from isa_learners.runs.nesting import flattened
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import FileFormatError, InvalidValueError, shown

Values = npt.NDArray[np.float64]
INERT = ("seed", "device", "threads", "workers", "checkpoint_interval", "preset")
"""Keys in which runs of one group may differ: the seed, keys that affect only speed, and the source of values."""
EVALUATION_KEYS = ("stop_when_solved", "eval_interval", "eval_episodes")
"""Keys that a resumed run may change and still belong to its group: they set when it ends and is evaluated."""
_KIND = ("algo", "learner", "intrinsic")
"""Keys that determine the sections of a run."""
LONGEST_VALUES = (24, 48, 96)
"""Maximum number of characters of a value in a legend; the larger ones apply where shorter values would be equal."""
NEEDED = ("env_steps", "wall_time_s", "success_rate", "return_mean")
"""Columns of ``metrics.csv`` that a curve needs."""


@dataclass(frozen=True)
class Curve:
    """The evaluations of a run over its environment steps.

    Attributes:
        task: name of the environment.
        options: options of the task, as text.
        settings: dotted key -> value of every setting that distinguishes groups.
        columns: name -> ``[evaluations]``, NaN for missing values; includes ``env_steps``.
        changes: environment steps at which a phase ended.
    """

    task: str
    options: str
    settings: Mapping[str, Any]
    columns: Mapping[str, Values]
    changes: tuple[float, ...]

    @property
    def steps(self) -> Values:
        """``[evaluations]`` environment steps."""
        return self.columns["env_steps"]

    def at(self, grid: Values, column: str) -> Values:
        """Return a column at ``grid`` ``[points]``.

        After its last evaluation a run keeps the last value; before the first one the value is NaN.
        """
        values = self.columns[column]
        known = ~np.isnan(values)
        if not known.any():
            return np.full(len(grid), np.nan)
        return np.interp(grid, self.steps[known], values[known], left=np.nan)

    def knows(self, column: str) -> bool:
        """Return whether a column has any value."""
        return column in self.columns and not np.isnan(self.columns[column]).all()


@dataclass(frozen=True)
class Group:
    """Runs of one task that differ only in the seed.

    Attributes:
        name: name for the legend.
        task: their task, with its options if runs of the same environment differ in them.
        runs: their curves.
    """

    name: str
    task: str
    runs: tuple[Curve, ...]


def read_curve(folder: RunFolder) -> Curve:
    """Read a run's metrics and configuration.

    Raises:
        FileFormatError: if it has no readable metrics, or lacks a required column.
    """
    config = folder.config()
    try:
        rows = read_metrics(folder.metrics_file, columns_of(config))
        names = [name for name in (rows[0] if rows else columns_of(config)) if name != "phase"]
        columns = {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}
    except FileNotFoundError:
        raise FileFormatError(
            f"{folder.path} has no metrics.csv; training writes it after any scope estimation"
        ) from None
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise FileFormatError(f"{folder.metrics_file} is not a readable metrics file ({error})") from error
    if missing := [name for name in NEEDED if name not in columns]:
        raise FileFormatError(f"{folder.metrics_file} has no column {missing[0]!r}")
    phases = [row.get("phase", "") for row in rows]
    changes = [float(rows[i]["env_steps"]) for i in range(1, len(rows)) if phases[i] != phases[i - 1]]
    settings = settings_at_start(folder)
    options = {key: value for key, value in settings.items() if key.startswith("env_kwargs.")}
    option_text = ", ".join(f"{key.removeprefix('env_kwargs.')}={value}" for key, value in options.items())
    excluded = {"env", *INERT, *options}
    settings = {key: value for key, value in settings.items() if key not in excluded} | changed_in_mid_run(folder)
    return Curve(config.env, option_text, settings, columns, tuple(changes))


def settings_at_start(folder: RunFolder) -> dict[str, Any]:
    """Return a run's settings by dotted key, those of :data:`EVALUATION_KEYS` as they were before any change.

    Raises:
        FileFormatError: if the record of changes is damaged.
    """
    settings = flattened(config_to_dict(folder.config()))
    for change in reversed(read_changes(folder)):
        if change.key in EVALUATION_KEYS:
            settings[change.key] = change.before
    return settings


def changed_in_mid_run(folder: RunFolder) -> dict[str, str]:
    """Return the changes of settings during a run, such as ``ppo.lr@12000``: the values before and after.

    The result omits keys that do not distinguish groups and keys that set when a run ends or is evaluated. It omits
    ``steps`` too, unless the learner depends on the share of steps done, such as for annealing.

    Raises:
        FileFormatError: if the record is damaged.
    """
    changes = [change for change in read_changes(folder) if change.key not in (*EVALUATION_KEYS, *INERT)]
    if any(change.key == "steps" for change in changes) and not _learns_by_progress(folder.config()):
        changes = [change for change in changes if change.key != "steps"]
    return {f"{change.key}@{change.env_steps}": f"{change.before} -> {change.after}" for change in changes}


def _learns_by_progress(config: RunConfig) -> bool:
    settings = [config.for_phase(name).settings_of(config.learner) for name in ALGORITHMS[config.algo].phase_names]
    return any(map(LEARNERS[config.learner].reads_progress, settings))


def phase_end(runs: Sequence[Curve]) -> float:
    """Return the median of the environment steps at which the first phase ends.

    Runs in which it has not ended count as infinity.

    Example:
        >>> ends = [Curve("task", "", {}, {}, changes) for changes in ((20.0,), (40.0, 60.0), ())]
        >>> phase_end(ends), phase_end(ends[1:])
        (40.0, inf)
    """
    return float(np.median([run.changes[0] if run.changes else np.inf for run in runs]))


def grouped(folders: Sequence[RunFolder], labels: Sequence[str] = ()) -> list[Group]:
    """Group runs that differ only in the seed; the name of a group holds the settings in which the groups differ.

    Args:
        folders: run folders.
        labels: a name for each run instead; runs of a task with the same name form a group.

    Raises:
        InvalidValueError: if there are not as many labels as runs.
        FileFormatError: if a run has no readable metrics.
    """
    if labels and len(labels) != len(folders):
        raise InvalidValueError(f"give one --label for each of {len(folders)} runs, got {len(labels)}")
    named = list(zip(folders, labels or [""] * len(folders), strict=True))
    unique_runs = {(folder.path.resolve(), name): folder for folder, name in named}  # a run given twice counts once
    curves = [read_curve(folder) for folder in unique_runs.values()]
    names = [name for _, name in unique_runs] if labels else distinct_labels([curve.settings for curve in curves])
    options: dict[str, set[str]] = {}
    for curve in curves:
        options.setdefault(curve.task, set()).add(curve.options)
    groups: dict[tuple[str, str], list[Curve]] = {}
    for name, curve in zip(names, curves, strict=True):
        has_variants = curve.options and len(options[curve.task]) > 1
        task = f"{curve.task} ({curve.options})" if has_variants else curve.task
        groups.setdefault((name, task), []).append(curve)
    return [Group(name, task, tuple(runs)) for (name, task), runs in groups.items()]


def distinct_labels(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a name for each configuration: the algorithm, then the values in which they differ.

    Keys that only some configurations have because of different algorithms are omitted. Between runs of the same
    algorithm, a phase without its own setting uses the run's value.

    Example:
        >>> distinct_labels([{"algo": "isa", "ppo.lr": 0.1}, {"algo": "isa", "ppo.lr": 0.2}, {"algo": "ippo"}])
        ['isa, ppo.lr=0.1', 'isa, ppo.lr=0.2', 'ippo']
        >>> settings = [{"algo": "isa", "ppo.lr": 0.1}, {"algo": "isa", "ppo.lr": 0.1, "phases.reach.ppo.lr": 0.2}]
        >>> distinct_labels(settings)
        ['isa, phases.reach.ppo.lr=0.1', 'isa, phases.reach.ppo.lr=0.2']
    """
    keys = list(dict.fromkeys(key for config in settings for key in config))
    kinds = [tuple(str(config.get(key)) for key in _KIND) for config in settings]
    keys_by_kind = {
        kind: {key for config, own_kind in zip(settings, kinds, strict=True) if own_kind == kind for key in config}
        for kind in kinds
    }
    compared = [
        {key: _value(config, key) for key in keys_by_kind[kind]} for config, kind in zip(settings, kinds, strict=True)
    ]
    differing = [key for key in keys if len({repr(config[key]) for config in compared if key in config}) > 1]
    full_labels = [_label(config, differing, None) for config in compared]
    names = full_labels
    for longest in reversed(LONGEST_VALUES):  # as short as possible while all names differ
        short_labels = [_label(config, differing, longest) for config in compared]
        full_by_short: dict[str, set[str]] = {}
        for short_label, full_label in zip(short_labels, full_labels, strict=True):
            full_by_short.setdefault(short_label, set()).add(full_label)
        names = [
            short_label if len(full_by_short[short_label]) == 1 else name
            for short_label, name in zip(short_labels, names, strict=True)
        ]
    return names


def _label(values_by_key: Mapping[str, Any], differing: Sequence[str], longest: int | None) -> str:
    """Return a name with the differing values, each of at most ``longest`` characters; ``None`` for full values."""
    values = {key: values_by_key[key] for key in differing if key in values_by_key and key != "algo"}
    parts = [
        f"{key}={repr(value) if longest is None else _short(value, longest)}"
        for key, value in values.items()
        if value is not None or "@" not in key  # unchanged in this run
    ]
    return ", ".join([str(values_by_key.get("algo", "run")), *parts])


def _value(settings: Mapping[str, Any], key: str) -> Any:
    """Return a run's value for a key; a phase without its own value uses the run's; ``None`` if there is neither."""
    parts = key.split(".", 2)
    return settings.get(key, settings.get(parts[2]) if parts[0] == "phases" and len(parts) > 2 else None)


def _short(value: Any, longest: int) -> str:
    text = value if isinstance(value, str) else shown(value)
    return text if len(text) <= longest else f"...{text[-longest:]}"
