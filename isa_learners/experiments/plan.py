"""A plan: tasks x variants x seeds at equal environment steps, each a run folder with a configuration of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

from isa_learners.config import DEFAULT_PRESET, RunConfig
from isa_learners.experiments.plan_file import PlanError, PlanFile, at
from isa_learners.experiments.plan_settings import PlanSettings, laid_over
from isa_learners.experiments.seeds import MOST_RUNS, read_seeds
from isa_learners.experiments.variants import KEYS_OF_A_VARIANT, Variant, variant_from
from isa_learners.runs.config_io import config_to_dict, make_config
from isa_learners.runs.nesting import merge
from isa_wrappers.envs import true_task_scope
from isa_wrappers.errors import InvalidValueError, check_int, check_kind, shown
from isa_wrappers.fields import MOST_COPIES

KEYS = ("tasks", "variants", "seeds", "steps", "episodes", "kwargs", "set")


@dataclass(frozen=True)
class PlannedRun:
    """One run of a plan.

    Attributes:
        index: its number, from 0: what ``--only`` takes.
        task: name of the task.
        variant: name of the variant.
        config: resolved; its seed is the run's.
    """

    index: int
    task: str
    variant: str
    config: RunConfig

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.config.seed

    @property
    def name(self) -> str:
        """Where its folder lies below the plan's."""
        return f"{slug(self.task)}/{slug(self.variant)}/seed{self.seed}"


@dataclass(frozen=True)
class Plan:
    """What is compared.

    Attributes:
        runs: all of them; tasks outermost, then seeds, then variants, so that what is finished can be compared.
        episodes: greedy episodes of the last checkpoint that make a seed's number.
    """

    runs: tuple[PlannedRun, ...]
    episodes: int = 128

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks, in order."""
        return tuple(dict.fromkeys(run.task for run in self.runs))

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the variants, in order."""
        return tuple(dict.fromkeys(run.variant for run in self.runs))


def read_plan(path: Path, over: Mapping[str, Any] | None = None) -> Plan:
    """Read a plan from its YAML file.

    Args:
        path: of the file.
        over: keys of a plan that hold over the file's; ``steps`` and ``kwargs`` also over those of its tasks.

    Raises:
        InvalidValueError: naming file, line and what would be accepted.
        FileFormatError: if there is no such file, or no YAML in it.
    """
    file, over = PlanFile(path), over or {}
    try:
        return make_plan(laid_over(file.data, over))
    except PlanError as error:
        if error.place and error.place[0] in over:  # the file says something else there
            raise
        raise InvalidValueError(f"{path}, line {file.line_of(error.place)}: {error}") from error


def make_plan(data: Mapping[str, Any]) -> Plan:
    """Make a plan of plain data: ``tasks``, ``variants``, ``seeds``; ``steps``, ``episodes``, ``kwargs``, ``set`` too.

    Raises:
        PlanError: for what a plan cannot hold, and where.

    Example:
        >>> plan = make_plan({"tasks": ["grid/shooting"], "variants": ["isa", "ippo"], "seeds": "0-1", "steps": 90_000})
        >>> [run.name for run in plan.runs][:2]
        ['grid-shooting/isa/seed0', 'grid-shooting/ippo/seed0']
    """
    for key in data:
        if key not in KEYS:
            raise PlanError(f"unknown key {shown(key)} of a plan; it takes {', '.join(KEYS)}", (key,))
    tasks = _tasks(data)
    variants = _variants(data)
    seeds = read_seeds(data.get("seeds", "0-4"))
    episodes = data.get("episodes", Plan.episodes)
    with at("episodes"):
        check_int("episodes", episodes, 1, MOST_COPIES)
    if len(tasks) * len(variants) * len(seeds) > MOST_RUNS:
        raise PlanError(f"a plan holds at most {MOST_RUNS:,} runs", ("seeds",))
    whole = PlanSettings(data.get("set") or {})
    made: dict[str, dict[str, RunConfig]] = {}
    for task, own in tasks.items():
        settings = PlanSettings(own.get("set") or {}, ("tasks", task, "set"))
        made[task] = {name: _config(data, task, own, name, variants[name], (whole, settings)) for name in variants}
        settings.check()
    whole.check()
    runs: list[PlannedRun] = []
    for task, configs in made.items():
        _refuse_twins(task, configs)
        for seed in seeds:
            for name, config in configs.items():
                runs.append(PlannedRun(len(runs), task, name, replace(config, seed=seed)))
    _refuse_one_folder(runs)
    return Plan(tuple(runs), episodes)


def slug(name: str) -> str:
    """Return a name as a folder's: letters, digits, points and dashes."""
    return re.sub(r"[^A-Za-z0-9._=-]+", "-", name)[-100:]


def _tasks(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    tasks = data.get("tasks")
    if isinstance(tasks, str):
        tasks = [tasks]
    if not isinstance(tasks, list | Mapping) or not tasks or not all(isinstance(task, str) for task in tasks):
        raise PlanError(
            f"tasks must be a list of names such as grid/shooting, or a mapping of them to steps and kwargs, "
            f"got {shown(tasks)}",
            ("tasks",),
        )
    if len(set(tasks)) < len(tasks):
        raise PlanError(f"a task comes twice in {shown(list(tasks))}", ("tasks",))
    if isinstance(tasks, list):
        return {task: {} for task in tasks}
    found = {}
    for task, own in tasks.items():
        own = own or {}
        if not isinstance(own, Mapping) or any(key not in ("steps", "kwargs", "set") for key in own):
            raise PlanError(f"task {shown(task)} takes steps, kwargs, set, got {shown(own)}", ("tasks", task))
        found[task] = own
    return found


def _variants(data: Mapping[str, Any]) -> dict[str, Variant]:
    variants = data.get("variants", ["isa"])
    if isinstance(variants, str):
        variants = [variants]
    if not isinstance(variants, list | Mapping) or not variants:
        raise PlanError(
            f"variants must be a list of names, or a mapping of names to {', '.join(KEYS_OF_A_VARIANT)}, "
            f"got {shown(variants)}",
            ("variants",),
        )
    if len({str(name) for name in variants}) < len(variants):
        raise PlanError(f"a variant comes twice in {shown(list(variants))}", ("variants",))
    found = {}
    for name in variants:
        with at("variants", name):
            found[str(name)] = variant_from(str(name), variants[name] if isinstance(variants, Mapping) else None)
    return found


def _config(
    data: Mapping[str, Any],
    task: str,
    own: Mapping[str, Any],
    name: str,
    variant: Variant,
    settings: Sequence[PlanSettings],
) -> RunConfig:
    steps = own.get("steps", data.get("steps"))
    if isinstance(steps, Mapping):
        steps = steps.get(task)
    kwargs = {**_options(data, "kwargs"), **_options(own, "tasks", task, "kwargs"), **variant.kwargs}
    given: dict[str, Any] = {"algo": variant.algo}
    given |= {"steps": steps} if steps is not None else {}
    given |= {"env_kwargs": kwargs} if kwargs else {}
    with at("variants", name):
        said = reduce(merge, [*(one.data for one in settings), variant.settings, given])
        layers = [*(one.of(said) for one in settings), variant.settings]
        config = make_config(task, variant.preset or DEFAULT_PRESET, *layers, given)
        if config.true_scope:  # told before anything starts, and refused by tasks that do not tell theirs
            true_task_scope(task, **config.env_kwargs)
        return config


def _options(holder: Mapping[str, Any], *place: Any) -> Mapping[str, Any]:
    """Return the ``kwargs`` of a plan, or of one of its tasks."""
    options: Mapping[str, Any] = holder.get("kwargs") or {}
    with at(*place):
        check_kind("kwargs", options, Mapping)
    return options


def _refuse_twins(task: str, made: Mapping[str, RunConfig]) -> None:
    seen: dict[str, str] = {}
    for name, config in made.items():
        said = repr({key: value for key, value in config_to_dict(config).items() if key != "preset"})
        if said in seen:
            raise PlanError(
                f"variants {seen[said]!r} and {name!r} have the same configuration on {task}; leave one out",
                ("variants", name),
            )
        seen[said] = name


def _refuse_one_folder(runs: Sequence[PlannedRun]) -> None:
    names: dict[str, PlannedRun] = {}
    for run in runs:
        other = names.setdefault(run.name, run)
        if other is not run:
            raise PlanError(f"{other.variant!r} and {run.variant!r} would share the folder {run.name}; rename one", ())
