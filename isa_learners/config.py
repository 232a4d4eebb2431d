"""The configuration of a run: the keys of every run, and the sections that its algorithm asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from isa_wrappers.border.state_features import Features, choose_features
from isa_wrappers.errors import InvalidValueError, check_choice, check_kind, check_name, shown
from isa_wrappers.fields import Copies, Count, DeviceName, OneOf, Range, Weight, check_fields
from isa_wrappers.lazy import lazy
from isa_wrappers.plain import plain

DEFAULT_PRESET = "fast"
DEFAULT_ALGORITHM = "isa"
EVAL_LIMIT = 1_000
"""Limit of an evaluation episode without a horizon: Gymnasium's longest usual limit, ten times that of the tasks here.
With the default of 32 copies, an evaluation that reaches it takes about three times the 10,000 steps between two."""
SOLVED_RATE = 0.9
SOLVED_EVALUATIONS = 3


@dataclass(frozen=True)
class RunConfig:
    """A whole run, as stored in ``config.yaml``; create one with :func:`~isa_learners.runs.config_io.make_config`.

    Sections are attributes too: ``config.ppo.lr``.

    Attributes:
        env: name of the task.
        env_kwargs: options of the task.
        state_fallback: ``observations`` uses the concatenated observations as the state, instead of any ``state()``.
        state_features: features that replace the environment's ``state()``: ``map`` for counts and mean positions of
            what lies on a map of cells, or an entry of an installed package.
        state_features_kwargs: options of the state features, such as ``values`` and ``first`` of ``map``.
        success: how a ``ParallelEnv`` reports a won episode: a key of ``infos[agent]``, or a number that the team's
            mean return must reach.
        workers: worker processes that step the copies of a ``ParallelEnv``; 0 steps them in the main process.
        algo: name of the algorithm.
        learner: name of the learner; by default that of the algorithm.
        intrinsic: name of an intrinsic reward to add to the environment's reward; by default none.
        intrinsic_factor: factor of the intrinsic reward.
        scope_folder: folder of an existing scope to use; by default the run estimates its own.
        scope_is_free: do not count the environment steps that the scope of ``scope_folder`` took as steps of the run.
        true_scope: use the exact scope that follows from the rules of the task, which costs no environment steps; only
            for tasks that define it (grid tasks).
        preset: name of the preset.
        steps: total number of environment steps, including those for the scope.
        seed: seed of all random numbers.
        device: ``auto``, ``cpu``, ``cuda``, or one of several GPUs, such as ``cuda:1``.
        threads: torch threads per operation on CPU.
        eval_interval: environment steps between evaluations.
        eval_episodes: greedy episodes per evaluation.
        eval_limit: steps after which an evaluation episode is cut off if the environment defines no ``horizon``.
        checkpoint_interval: environment steps between updates of the latest checkpoint.
        stop_when_solved: end the run after three evaluations in a row with a success rate of at least 0.9.
        sections: settings of the algorithm's parts by name, such as ``ppo``; each is a frozen dataclass.
        phases: phase -> the sections that differ from the run's in that phase.
    """

    env: str
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    state_fallback: Annotated[str | None, OneOf("observations")] = None
    state_features: str | None = None
    state_features_kwargs: dict[str, Any] = field(default_factory=dict)
    success: str = "success"
    workers: Annotated[int, Range(0, 1_024)] = 0
    algo: str = DEFAULT_ALGORITHM
    learner: str = "ppo"
    intrinsic: str | None = None
    intrinsic_factor: Weight = 1.0
    scope_folder: str | None = None
    scope_is_free: bool = False
    true_scope: bool = False
    preset: str = DEFAULT_PRESET
    steps: Count = 2_100_000
    seed: Annotated[int, Range(0, 2**31 - 1)] = 0
    device: Annotated[str, DeviceName()] = "auto"
    threads: Annotated[int, Range(1, 1_024)] = 1
    eval_interval: Count = 10_000
    eval_episodes: Copies = 32
    eval_limit: Count = EVAL_LIMIT
    checkpoint_interval: Count = 10_000
    stop_when_solved: bool = False
    sections: Mapping[str, Any] = field(default_factory=dict)
    phases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "env_kwargs", check_env_kwargs(self.env_kwargs))
        check_kind("state_features_kwargs", self.state_features_kwargs, Mapping)
        options = plain("state_features_kwargs", self.state_features_kwargs)
        object.__setattr__(self, "state_features_kwargs", options)
        check_fields(self)
        check_name("env", self.env)
        if self.true_scope and self.scope_folder is not None:
            raise InvalidValueError(
                f"true_scope must be False if a scope_folder is given, got {shown(self.scope_folder)}; leave one out"
            )
        for name in ("state_fallback", "state_features"):
            if self.true_scope and (given := getattr(self, name)) is not None:
                raise InvalidValueError(
                    f"true_scope needs the task's own state, which {name} {shown(given)} replaces; leave one out"
                )

    def __getattr__(self, name: str) -> Any:
        # Called only if there is no such field; an unfinished copy has no sections yet.
        sections: Mapping[str, Any] = self.__dict__.get("sections", {})
        if name not in sections:
            raise AttributeError(f"a run of algorithm {self.__dict__.get('algo')!r} has no section {name!r}")
        return sections[name]

    @property
    def imports(self) -> tuple[str, ...]:
        """Classes to import that settings, of the run or of a phase, name as ``package.module:name``."""
        sections = [
            *self.sections.values(),
            *(settings for phase in self.phases.values() for settings in phase.values()),
        ]
        return tuple(dict.fromkeys(name for section in sections for name in getattr(section, "imports", ())))

    @property
    def features(self) -> Features | None:
        """The wrapper of each environment of the run, chosen by :attr:`state_features`.

        Raises:
            InvalidValueError: for an unknown name or option, or together with :attr:`state_fallback`.
        """
        return choose_features(self.state_features, self.state_features_kwargs, self.state_fallback)

    def for_phase(self, phase: str) -> RunConfig:
        """Return the configuration with the sections of a phase instead of those of the run."""
        return replace(self, sections={**self.sections, **self.phases.get(phase, {})}, phases={})

    def settings_of(self, section: str) -> Any:
        """Return a section by name.

        Raises:
            InvalidValueError: if the run has no section of this name; the message suggests the nearest.
        """
        return self.sections[check_choice("section", section, self.sections)]


def check_env_kwargs(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of a task as plain data.

    Raises:
        InvalidValueError: for an option that a run sets itself; the message names it.
    """
    check_kind("env_kwargs", kwargs, Mapping)
    for name in ("self", "name", "num_envs", "device", "state_fallback", "success_rule", "workers", "state_features"):
        if name in kwargs:
            raise InvalidValueError(
                f"options of the task cannot hold {name!r}, which the run sets itself; got {shown(kwargs[name])}"
            )
    options: dict[str, Any] = plain("env_kwargs", kwargs)
    return options


__getattr__ = lazy(__name__, {"ALGORITHMS": "isa_learners.algorithms", "PPOConfig": "isa_learners.ppo.config"})
"""Names that older code imports from this module."""
