"""The specification of an algorithm: its phases, settings and shared objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from isa_learners.config import RunConfig
from isa_learners.presets import PRESETS
from isa_wrappers.arrays import Array
from isa_wrappers.batch import BatchEnv
from isa_wrappers.errors import InvalidValueError, check_choice, shown
from isa_wrappers.fields import check_settings_class
from isa_wrappers.registry import Registry
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope

TASK_MARKS = "/:*?["
"""Characters that can occur in a pattern: every task name has one of the first two, the others are wildcards."""


class Saved(Protocol):
    """An object whose state is saved in checkpoints."""

    def state_dict(self) -> dict[str, Array]:
        """Return the state."""
        ...

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore the state."""
        ...


@dataclass(frozen=True)
class PhaseContext:
    """The inputs for creating a phase.

    Attributes:
        config: configuration of the run, with the settings of the phase.
        env: one copy of the unwrapped environment, for its sizes and names.
        device: torch device.
        seed: seed of the phase, whose random numbers come from separate streams.
        scope: scope of the agents; ``None`` if the algorithm does not need it.
        credit: credit that the credit rule derives from the scope; ``None`` if the algorithm does not need it.
        shared: objects shared by the phases, by the names of :attr:`AlgorithmSpec.shared`.
        restored: whether the shared objects will be restored from a checkpoint.
    """

    config: RunConfig
    env: BatchEnv
    device: str
    seed: int
    scope: InfluenceScope | None
    credit: Credit | None
    shared: dict[str, Any]
    restored: bool = False


Wrap = Callable[[PhaseContext, BatchEnv], BatchEnv]


def unchanged(context: PhaseContext, env: BatchEnv) -> BatchEnv:
    """Return the environment unchanged."""
    return env


@dataclass(frozen=True)
class PhaseSpec:
    """A phase: new policies in an environment that is wrapped for them.

    Attributes:
        name: name in ``metrics.csv`` and ``--set phases.NAME...``.
        watch: adds wrappers that need the environment's own reward, below any intrinsic reward of the run.
        wrap: returns the environment that the learner trains in.
        ends: called after each iteration; returns whether the next phase begins. The last phase has none.
        wrap_evaluation: returns the environment of evaluations, which keeps the environment's own reward.
        progress: returns what ends the phase, its current and its required amount, such as ``("goals", 12, 64)``.
        probes: whether ``probes.share`` applies to the phase, whose rewards then use the updated scope; the run then
            has the section ``probes``.
    """

    name: str
    wrap: Wrap = unchanged
    ends: Callable[[PhaseContext], bool] | None = None
    wrap_evaluation: Wrap = unchanged
    progress: Callable[[PhaseContext], tuple[str, int, int]] | None = None
    probes: bool = False
    watch: Wrap = unchanged


@dataclass(frozen=True)
class AlgorithmSpec:
    """An algorithm, as an entry of :data:`ALGORITHMS`.

    Attributes:
        description: one-line description.
        phases: phases, in order.
        needs_scope: whether a scope is estimated first; the run then has the sections ``scope`` and ``credit``.
        learner: name of the default learner.
        intrinsic: name of the intrinsic reward that defines the algorithm; others are refused.
        fixed: settings of the learner that define the algorithm: section -> key -> value. Other values are refused.
        parts: parts of the learner that the algorithm uses, each with a section of its name.
        sections: additional sections of the configuration: name -> frozen dataclass.
        whole_run: keys that apply to the whole run, so that no phase can set its own: section -> keys.
        shared: saved objects that outlive a phase: name -> function that creates one from the run's settings.
        metrics: additional columns of ``metrics.csv``: name -> function, called after each iteration.
        presets: preset -> pattern of task names -> values, which override those of :mod:`isa_learners.presets`.

    Raises:
        InvalidValueError: if there are no phases, two phases have the same name, a phase before the last never ends, a
            section is not a dataclass with defaults, a preset is unknown, or its values are not by task.
    """

    description: str
    phases: tuple[PhaseSpec, ...]
    needs_scope: bool = False
    learner: str = "ppo"
    intrinsic: str | None = None
    fixed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    sections: Mapping[str, type] = field(default_factory=dict)
    whole_run: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shared: Mapping[str, Callable[[PhaseContext], Saved]] = field(default_factory=dict)
    metrics: Mapping[str, Callable[[PhaseContext], float]] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.phase_names
        if not names:
            raise InvalidValueError("an algorithm must have at least one phase, got none")
        if repeated := [name for name in names if names.count(name) > 1]:
            raise InvalidValueError(f"the phases of an algorithm must have different names, got {repeated[0]!r} twice")
        if endless := [phase.name for phase in self.phases[:-1] if phase.ends is None]:
            raise InvalidValueError(
                f"phase {endless[0]!r} must have ends=, which tells when the next one begins; only the last has none"
            )
        for section, kind in self.sections.items():
            check_settings_class(f"section {section!r} of an algorithm", kind)
        for preset, layers in self.presets.items():
            check_choice("presets", preset, PRESETS)
            for pattern in layers:
                if not any(mark in pattern for mark in TASK_MARKS):
                    raise InvalidValueError(
                        f"preset {preset!r} of an algorithm must have patterns of task names as keys, such as '*' or "
                        f"'grid/*', got {shown(pattern)}"
                    )

    @property
    def phase_names(self) -> tuple[str, ...]:
        """Names of the phases."""
        return tuple(phase.name for phase in self.phases)


ALGORITHMS: Registry[AlgorithmSpec] = Registry(
    "algorithm",
    "isa_marl.algorithms",
    {
        "isa": "isa_learners.algorithms.isa:ISA",
        "isa_explore": "isa_learners.algorithms.isa_parts:ISA_EXPLORE",
        "isa_reach": "isa_learners.algorithms.isa_parts:ISA_REACH",
        "ippo": "isa_learners.algorithms.ippo:IPPO",
        "mappo": "isa_learners.algorithms.mappo:MAPPO",
        "happo": "isa_learners.algorithms.happo:HAPPO",
        "coma": "isa_learners.algorithms.coma:COMA",
        "vdn": "isa_learners.algorithms.vdn:VDN",
        "qmix": "isa_learners.algorithms.qmix:QMIX",
        "maser": "isa_learners.algorithms.maser:MASER",
        "laies": "isa_learners.algorithms.laies:LAIES",
    },
    AlgorithmSpec,
)
"""Every algorithm by name."""
