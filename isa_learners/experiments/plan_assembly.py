"""How a plan makes a run's configuration, and which of its values is to blame where that fails."""

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
    """What a plan says of the runs of one variant on one task.

    Attributes:
        task: its name.
        variant: its name.
        settings: the plan's ``set`` and the task's own, of which a run takes what it has keys for.
        own: everything else, later ones over earlier ones.
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
        own: Mapping[str, Any],
        name: str,
        variant: Variant,
        settings: Sequence[PlanSettings],
    ) -> Assembly:
        """Gather what a plan, a task's own entry and a variant say.

        Raises:
            PlanError: if options of the task are no mapping.
        """
        place = ("variants", name)
        values = [*values_of(variant.settings, (*place, "set")), Value((*place, "algo"), ("algo",), variant.algo)]
        if variant.preset:
            values.append(Value((*place, "preset"), ("preset",), variant.preset))
        steps, where = (own["steps"], ("tasks", task, "steps")) if "steps" in own else (data.get("steps"), ("steps",))
        if isinstance(steps, Mapping):
            steps, where = steps.get(task), (*where, task)
        if steps is not None:
            values.append(Value(where, ("steps",), steps))
        kwargs = _options(data, ("kwargs",)) | _options(own, ("tasks", task, "kwargs"))
        kwargs |= {key: ((*place, "kwargs", key), value) for key, value in variant.kwargs.items()}
        values += [Value(where, ("env_kwargs", key), value) for key, (where, value) in kwargs.items()]
        return cls(task, name, settings, values)

    def config(self) -> RunConfig:
        """Return the configuration, resolved.

        Raises:
            PlanError: naming the place of what is wrong.
        """
        try:
            return self._made()
        except ISAError as error:
            place = self.blamed(error, lambda config: None) or ("variants", self.variant)
            raise PlanError(str(error), place) from error

    def blamed(self, error: ISAError, check: Callable[[RunConfig], object]) -> Place | None:
        """Return the place of the value without which the error would not be; ``None`` where no one value is to blame.

        Args:
            error: that ``check`` raised, or what makes the configuration.
            check: what may be wrong with a configuration.
        """
        message = str(error)
        values = [*(said for one in self.settings for said in one.values), *self.own]
        for said in sorted(values, key=lambda said: said.distance(message)):  # the quickest way to the likeliest
            other = self._message_without(said, check)
            if other is None or (other != message and said.distance(message) < UNNAMED):
                return said.place
        return None

    def _message_without(self, said: Value, check: Callable[[RunConfig], object]) -> str | None:
        try:
            check(self._made(said))
        except Exception as error:  # anybody's environment, with options that it may need
            return str(error)
        return None

    def _made(self, without: Value | None = None) -> RunConfig:
        own = [said for said in self.own if said is not without]
        shared = [said for one in self.settings for said in one.values if said is not without]
        run = merged([*shared, *own])
        taken = [said for one in self.settings for said in one.taken(run) if said is not without]
        data = merged([*taken, *own])
        config = make_config(self.task, data.pop("preset", DEFAULT_PRESET), data)
        if config.true_scope:  # told before anything starts, and refused by tasks that do not tell theirs
            true_task_scope(self.task, **config.env_kwargs)
        return config


def _options(holder: Mapping[str, Any], place: Place) -> dict[str, tuple[Place, Any]]:
    """Return the ``kwargs`` of a plan, or of one of its tasks, each with its place."""
    options = holder.get("kwargs") or {}
    with at(*place):
        check_kind("kwargs", options, Mapping)
    for key in options:
        if not isinstance(key, str):
            raise PlanError(f"kwargs must be named by text, got {shown(key)}", (*place, key))
    return {key: ((*place, key), value) for key, value in options.items()}
