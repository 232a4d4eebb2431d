"""The entries of ``tasks`` and ``variants`` in a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isa_learners.experiments.plan_file import PlanError, at
from isa_learners.experiments.variants import KEYS_OF_A_VARIANT, Variant, variant_from
from isa_wrappers.errors import nearest, shown


def tasks_in(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return a plan's tasks, each with its own ``steps``, ``kwargs`` and ``set``.

    Raises:
        PlanError: for an invalid name or description of a task.
    """
    tasks = data.get("tasks")
    if isinstance(tasks, str):
        tasks = [tasks]
    if not isinstance(tasks, list | Mapping) or not tasks or not all(isinstance(task, str) for task in tasks):
        raise PlanError(
            f"tasks must be a list of names such as grid/shooting, or a mapping from names to steps and kwargs, "
            f"got {shown(tasks)}",
            ("tasks",),
        )
    if len(set(tasks)) < len(tasks):
        raise PlanError(f"a task occurs twice in {shown(list(tasks))}", ("tasks",))
    if isinstance(tasks, list):
        return {task: {} for task in tasks}
    task_settings = {}
    for task, task_values in tasks.items():
        task_values = task_values or {}
        if not isinstance(task_values, Mapping) or any(key not in ("steps", "kwargs", "set") for key in task_values):
            raise PlanError(f"task {shown(task)} takes steps, kwargs, set, got {shown(task_values)}", ("tasks", task))
        task_settings[task] = task_values
    return task_settings


def refuse_unknown_tasks(steps: Any, tasks: Mapping[str, Any]) -> None:
    """Refuse ``steps`` for a task that is not in the plan.

    Raises:
        PlanError: naming the task.
    """
    for task in steps if isinstance(steps, Mapping) else ():
        if task not in tasks:
            raise PlanError(
                f"steps names {shown(task)}, which is not a task of the plan{nearest(str(task), list(tasks)) or ';'} "
                f"its tasks: {', '.join(tasks)}",
                ("steps", task),
            )


def variants_in(data: Mapping[str, Any]) -> dict[str, Variant]:
    """Return a plan's variants.

    Raises:
        PlanError: for an invalid name or description of a variant.
    """
    variants = data.get("variants", ["isa"])
    if isinstance(variants, str):
        variants = [variants]
    if not isinstance(variants, list | Mapping) or not variants:
        raise PlanError(
            f"variants must be a list of names, or a mapping from names to {', '.join(KEYS_OF_A_VARIANT)}, "
            f"got {shown(variants)}",
            ("variants",),
        )
    entries = variants.items() if isinstance(variants, Mapping) else [_entry(item) for item in variants]
    variants_by_name = {}
    for name, description in entries:
        if str(name) in variants_by_name:
            raise PlanError(f"variant {shown(name)} occurs twice", ("variants", name))
        with at("variants", name):
            variants_by_name[str(name)] = variant_from(str(name), description)
    return variants_by_name


def _entry(item: Any) -> tuple[Any, Any]:
    """Return the name and the description of an item in a list of variants."""
    if isinstance(item, Mapping) and len(item) == 1:
        return next(iter(item.items()))
    if isinstance(item, Mapping | list):
        raise PlanError(
            f"an item in a list of variants must be a name, or one name with its {', '.join(KEYS_OF_A_VARIANT)} such "
            f"as slow: {{like: isa}}, got {shown(item)}",
            ("variants",),
        )
    return item, None
