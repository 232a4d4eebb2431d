"""Plans of tasks x variants x seeds with equal environment steps; each run has its own folder and configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from isa_learners.config import RunConfig
from isa_learners.experiments.plan_assembly import Assembly
from isa_learners.experiments.plan_entries import refuse_unknown_tasks, tasks_in, variants_in
from isa_learners.experiments.plan_file import PlanError, PlanFile, at
from isa_learners.experiments.plan_settings import PlanSettings, apply_overrides
from isa_learners.experiments.seeds import MOST_RUNS, read_seeds
from isa_learners.runs.config_io import config_to_dict
from isa_wrappers.errors import check_int, shown
from isa_wrappers.fields import MOST_COPIES

KEYS = ("tasks", "variants", "seeds", "steps", "episodes", "kwargs", "set")
COMPARABLE_KEYS = ("success", "eval_interval", "eval_episodes", "eval_limit")
"""Keys that define how a run is evaluated; results of variants that differ in one are not comparable."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of a plan.

    Attributes:
        index: its number from 0, as for ``--only``.
        task: name of the task.
        variant: name of the variant.
        config: resolved configuration, with the seed of the run.
        assembly: the parts of the plan that make up the configuration.
    """

    index: int
    task: str
    variant: str
    config: RunConfig
    assembly: Assembly | None = field(default=None, compare=False, repr=False)

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.config.seed

    @property
    def name(self) -> str:
        """Path of its folder within the folder of the comparison."""
        return f"{slug(self.task)}/{slug(self.variant)}/seed{self.seed}"


@dataclass(frozen=True)
class Plan:
    """The runs of a comparison.

    Attributes:
        runs: all runs, ordered by task, then seed, then variant, so that finished runs are comparable early.
        episodes: number of greedy episodes in the final evaluation of each run.
        file: file that the plan was read from.
    """

    runs: tuple[PlannedRun, ...]
    episodes: int = 128
    file: PlanFile | None = field(default=None, compare=False, repr=False)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks, in order."""
        return tuple(dict.fromkeys(run.task for run in self.runs))

    def evaluation_differences(self) -> list[str]:
        """Return a note for each variant that is evaluated differently from the first variant of its task."""
        first: dict[str, PlannedRun] = {}
        notes = {}
        for run in self.runs:
            base = first.setdefault(run.task, run)
            for key in COMPARABLE_KEYS:
                base_value, value = getattr(base.config, key), getattr(run.config, key)
                if base_value != value:
                    notes[run.task, run.variant, key] = (
                        f"{run.variant!r} is evaluated differently from {base.variant!r} on {run.task}: {key} "
                        f"{shown(value)} instead of {shown(base_value)}"
                    )
        return list(notes.values())

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants, in order."""
        return tuple(dict.fromkeys(run.variant for run in self.runs))


def read_plan(path: Path, over: Mapping[str, Any] | None = None) -> Plan:
    """Read a plan from its YAML file.

    Args:
        path: path of the file.
        over: keys that override those of the file; ``steps`` and ``kwargs`` also override those of its tasks.

    Raises:
        InvalidValueError: naming the file, the line and the accepted values.
        FileFormatError: if the file does not exist or is not YAML.
    """
    file = PlanFile(path, over)
    try:
        return replace(make_plan(apply_overrides(file.data, over or {})), file=file)
    except PlanError as error:
        raise file.with_line(error) from error


def make_plan(data: Mapping[str, Any]) -> Plan:
    """Create a plan from plain data: ``tasks``, ``variants``, ``seeds``, ``steps``, ``episodes``, ``kwargs``, ``set``.

    Raises:
        PlanError: for invalid contents, with their place in the plan.

    Example:
        >>> plan = make_plan({"tasks": ["grid/shooting"], "variants": ["isa", "ippo"], "seeds": "0-1", "steps": 90_000})
        >>> [run.name for run in plan.runs][:2]
        ['grid-shooting/isa/seed0', 'grid-shooting/ippo/seed0']
    """
    for key in data:
        if key not in KEYS:
            raise PlanError(f"unknown key {shown(key)} of a plan; it takes {', '.join(KEYS)}", (key,))
    tasks = tasks_in(data)
    variants = variants_in(data)
    refuse_unknown_tasks(data.get("steps"), tasks)
    seeds = read_seeds(data.get("seeds", "0-4"))
    episodes = data.get("episodes", Plan.episodes)
    with at("episodes"):
        check_int("episodes", episodes, 1, MOST_COPIES)
    if len(tasks) * len(variants) * len(seeds) > MOST_RUNS:
        raise PlanError(f"a plan holds at most {MOST_RUNS:,} runs", ("seeds",))
    plan_settings = PlanSettings(data.get("set") or {})
    planned: dict[str, list[PlannedRun]] = {}
    for task, task_values in tasks.items():
        settings = PlanSettings(task_values.get("set") or {}, ("tasks", task, "set"))
        assemblies = [
            Assembly.of(data, task, task_values, name, variants[name], (plan_settings, settings)) for name in variants
        ]
        planned[task] = [PlannedRun(0, task, assembly.variant, assembly.config(), assembly) for assembly in assemblies]
        settings.check()
    plan_settings.check()
    runs: list[PlannedRun] = []
    for firsts in planned.values():
        _refuse_twins(firsts)
        for seed in seeds:
            runs += [
                replace(first, index=len(runs) + i, config=replace(first.config, seed=seed))
                for i, first in enumerate(firsts)
            ]
    _refuse_one_folder(runs)
    return Plan(tuple(runs), episodes)


def slug(name: str) -> str:
    """Return a name for a folder: letters, digits, dots and dashes.

    Raises:
        PlanError: for a name of dots only, which would be another folder.
    """
    short = re.sub(r"[^A-Za-z0-9._=-]+", "-", name)[-100:]
    if not short.strip("."):
        raise PlanError(f"{shown(name)} cannot name a folder; use letters or digits", ("variants", name))
    return short


def _refuse_twins(runs: Sequence[PlannedRun]) -> None:
    seen: dict[str, str] = {}
    for run in runs:
        text = repr({key: value for key, value in config_to_dict(run.config).items() if key != "preset"})
        if text in seen:
            raise PlanError(
                f"variants {seen[text]!r} and {run.variant!r} have the same configuration on {run.task}; leave one out",
                ("variants", run.variant),
            )
        seen[text] = run.variant


def _refuse_one_folder(runs: Sequence[PlannedRun]) -> None:
    names: dict[str, PlannedRun] = {}
    for run in runs:
        other = names.setdefault(run.name, run)
        if other is not run:
            raise PlanError(f"{other.variant!r} and {run.variant!r} would share the folder {run.name}; rename one", ())
