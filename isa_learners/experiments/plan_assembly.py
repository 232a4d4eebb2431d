"""Builds a run's configuration from a plan, and finds the value of the plan that causes an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isa_learners.config import DEFAULT_PRESET, RunConfig
from isa_learners.experiments.plan_file import PlanError, at
from isa_learners.experiments.plan_settings import PlanSettings
from isa_learners.experiments.plan_values import UNNAMED, Value, merged, values_of
from isa_learners.experiments.variants import Variant
from isa_learners.runs.config_io import make_config
from isa_wrappers.envs import true_task_scope
from isa_wrappers.errors import ISAError, check_kind, shown

Place = tuple[Any, ...]


@dataclass(frozen=True)
class Assembly:
    """The values of a plan for the runs of one variant on one task.

    Attributes:
        task: name of the task.
        variant: name of the variant.
        settings: ``set`` of the plan and of the task, of which a run uses the keys that it has.
        own: all other values; later ones override earlier ones.
    """

    task: str
    variant: str
    settings: Sequence[PlanSettings]
    own: Sequence[Value]

    @classmethod
    def of(
        cls,
        data: Mapping[str, Any],
        task: str,
        task_values: Mapping[str, Any],
        name: str,
        variant: Variant,
        settings: Sequence[PlanSettings],
    ) -> Assembly:
        """Collect the values of a plan, a task and a variant.

        Raises:
            PlanError: if the options of the task are not a mapping.
        """
        place = ("variants", name)
        values = [*values_of(variant.settings, (*place, "set")), Value((*place, "algo"), ("algo",), variant.algo)]
        if variant.preset:
            values.append(Value((*place, "preset"), ("preset",), variant.preset))
        steps, value_place = (
            (task_values["steps"], ("tasks", task, "steps"))
            if "steps" in task_values
            else (data.get("steps"), ("steps",))
        )
        if isinstance(steps, Mapping):
            steps, value_place = steps.get(task), (*value_place, task)
        if steps is not None:
            values.append(Value(value_place, ("steps",), steps))
        kwargs = _options(data, ("kwargs",)) | _options(task_values, ("tasks", task, "kwargs"))
        kwargs |= {key: ((*place, "kwargs", key), value) for key, value in variant.kwargs.items()}
        values += [Value(value_place, ("env_kwargs", key), value) for key, (value_place, value) in kwargs.items()]
        return cls(task, name, settings, values)

    def config(self) -> RunConfig:
        """Return the resolved configuration.

        Raises:
            PlanError: with the place of the error in the plan.
        """
        try:
            return self._build()
        except ISAError as error:
            place = self.place_of_error(error, lambda config: None) or ("variants", self.variant)
            raise PlanError(str(error), place) from error

    def place_of_error(self, error: ISAError, check: Callable[[RunConfig], object]) -> Place | None:
        """Return the place of the value that causes an error; ``None`` if no single value does.

        Args:
            error: error of ``check`` or of building the configuration.
            check: function that checks a configuration.
        """
        message = str(error)
        values = [*(value for settings in self.settings for value in settings.values), *self.own]
        for value in sorted(values, key=lambda value: value.distance(message)):  # try the most likely first
            other = self._message_without(value, check)
            if other is None or (other != message and value.distance(message) < UNNAMED):
                return value.place
        return None

    def _message_without(self, value: Value, check: Callable[[RunConfig], object]) -> str | None:
        try:
            check(self._build(value))
        except Exception as error:  # the environment may need the option that was removed
            return str(error)
        return None

    def _build(self, without: Value | None = None) -> RunConfig:
        own = [value for value in self.own if value is not without]
        shared = [value for settings in self.settings for value in settings.values if value is not without]
        run = merged([*shared, *own])
        applicable = [value for settings in self.settings for value in settings.applicable(run) if value is not without]
        data = merged([*applicable, *own])
        config = make_config(self.task, data.pop("preset", DEFAULT_PRESET), data)
        if config.true_scope:  # checked before anything starts, as not every task gives its scope
            true_task_scope(self.task, **config.env_kwargs)
        return config


def _options(holder: Mapping[str, Any], place: Place) -> dict[str, tuple[Place, Any]]:
    """Return the ``kwargs`` of a plan or task, each with its place."""
    options = holder.get("kwargs") or {}
    with at(*place):
        check_kind("kwargs", options, Mapping)
    for key in options:
        if not isinstance(key, str):
            raise PlanError(f"names of kwargs must be text, got {shown(key)}", (*place, key))
    return {key: ((*place, key), value) for key, value in options.items()}
