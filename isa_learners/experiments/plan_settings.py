"""Settings of a whole plan: each applies to the variants that have the key, and at least one must have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isa_learners.algorithms import ALGORITHMS
from isa_learners.config import DEFAULT_ALGORITHM
from isa_learners.experiments.plan_file import PlanError, at
from isa_learners.experiments.plan_values import Value, merged, values_of
from isa_learners.experiments.variants import SET_ELSEWHERE
from isa_learners.runs.config_io import kinds_of
from isa_learners.runs.config_keys import all_keys, nearest_key
from isa_learners.runs.nesting import merge, nested
from isa_wrappers.errors import nearest, shown
from isa_wrappers.rewards import REWARDS


class PlanSettings:
    """``set`` of a plan or of one of its tasks.

    Args:
        settings: configuration keys, dotted or nested.
        place: their place in the plan, for messages.

    Attributes:
        data: the settings, nested.
        values: each setting with its place.

    Raises:
        PlanError: if they are not a mapping, or hold a key that belongs elsewhere in a plan.

    Example:
        >>> settings = PlanSettings({"ppo.lr": 0.1, "scope.window": 2})
        >>> settings.of({"algo": "ippo"})
        {'ppo': {'lr': 0.1}}
        >>> settings.of({"algo": "isa"})
        {'ppo': {'lr': 0.1}, 'scope': {'window': 2}}
        >>> settings.check()
    """

    def __init__(self, settings: Any, place: Sequence[Any] = ("set",)) -> None:
        self.place = tuple(place)
        if not isinstance(settings, Mapping):
            raise PlanError(f"set must be a mapping of configuration keys, got {shown(settings)}", place)
        with at(*place):
            self.data = nested(settings)
        for key, value in self.data.items():
            if key in SET_ELSEWHERE:
                raise PlanError(
                    f"set cannot hold {key!r}, which a plan sets elsewhere, got {shown(value)}", (*place, key)
                )
        self.values = tuple(values_of(self.data, self.place))
        self._sections: dict[str, type] = {}

    def of(self, run: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings whose keys a run has.

        Args:
            run: values of the plan for the run; its algorithm, learner and intrinsic reward determine its keys.
        """
        return merged(self.applicable(run))

    def applicable(self, run: Mapping[str, Any]) -> list[Value]:
        """Return the settings whose keys a run has, with their places in the plan."""
        sections = _sections(run)
        self._sections |= sections
        known = _known(sections)
        return [setting for setting in self.values if setting.key in known]

    def check(self) -> None:
        """Refuse a key that no run has.

        Raises:
            PlanError: naming the first such key and suggesting the nearest.
        """
        known = _known(self._sections)
        for setting in self.values:
            if setting.key not in known:
                key, lacks_section = shown(setting.key)[1:-1], self._lacks(setting.path)
                key_text = (
                    f"a section {shown(setting.path[0])}, for {key}" if lacks_section else f"configuration key {key}"
                )
                raise PlanError(f"no variant has {key_text}{self._suggestion(setting.path)}", setting.place)

    def _lacks(self, path: Sequence[str]) -> bool:
        """Return whether a key belongs to a section that no run has."""
        return len(path) > 1 and path[0] not in (*self._sections, "phases", *REWARDS)

    def _suggestion(self, path: Sequence[str]) -> str:
        if path[0] == "phases":
            return nearest(".".join(path), _known(self._sections))
        if path[0] in REWARDS:
            return f"; it belongs to intrinsic reward {path[0]!r}: set intrinsic={path[0]}"
        kinds = {name: kind for name, kind in self._sections.items() if "." not in name}
        offered = nearest_key(".".join(path), kinds)
        if self._lacks(path) and "." not in offered:  # a key of the run itself is not a likely suggestion
            offered = ""
        return offered or f"; their sections are {', '.join(kinds)}"


def apply_overrides(data: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan's data overridden by other keys of a plan, with ``kwargs`` and ``set`` merged key by key.

    ``steps`` and ``kwargs`` also override those of single tasks.

    Raises:
        PlanError: if ``set`` of the plan is invalid.

    Example:
        >>> plan = {"tasks": {"grid/dials": {"steps": 90_000}}, "set": {"ppo.lr": 0.1}}
        >>> apply_overrides(plan, {"steps": 5, "seeds": 3})
        {'tasks': {'grid/dials': {}}, 'set': {'ppo.lr': 0.1}, 'steps': 5, 'seeds': 3}
    """
    merged_data = {**data, **over}
    if "set" in over:
        merged_data["set"] = merge(PlanSettings(data.get("set") or {}).data, over["set"])
    if "kwargs" in over and isinstance(data.get("kwargs"), Mapping):
        merged_data["kwargs"] = {**data["kwargs"], **over["kwargs"]}
    if "tasks" in over and "steps" not in over and isinstance(merged_data.get("steps"), Mapping):
        merged_data["steps"] = {task: steps for task, steps in merged_data["steps"].items() if task in over["tasks"]}
    if isinstance(data.get("tasks"), Mapping) and isinstance(over.get("tasks"), Sequence):
        merged_data["tasks"] = {task: data["tasks"].get(task) or {} for task in over["tasks"]}
    if isinstance(merged_data.get("tasks"), Mapping):
        merged_data["tasks"] = {
            task: _task_values_without(task_values, over) for task, task_values in merged_data["tasks"].items()
        }
    return merged_data


def _task_values_without(task_values: Any, over: Mapping[str, Any]) -> Any:
    """Return the values of a task without the overridden ones."""
    if not isinstance(task_values, Mapping):
        return task_values
    kept = {key: value for key, value in task_values.items() if key != "steps" or "steps" not in over}
    if isinstance(kept.get("kwargs"), Mapping):
        kept["kwargs"] = {**kept["kwargs"], **over.get("kwargs", {})}
    return kept


def _sections(run: Mapping[str, Any]) -> dict[str, type]:
    """Return a run's sections by name, including those of its phases."""
    kinds, phases = kinds_of(run), ALGORITHMS[run.get("algo", DEFAULT_ALGORITHM)].phase_names
    return kinds | {f"phases.{phase}.{name}": kind for phase in phases for name, kind in kinds.items()}


def _known(sections: Mapping[str, type]) -> set[str]:
    """Return the places of values: keys, and sections, so that a section that is not a mapping is reported as such."""
    phases = {name.rpartition(".")[0] for name in sections if "." in name}
    return {"phases", *phases, *sections, *all_keys(sections)}
