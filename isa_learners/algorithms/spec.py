"""What an algorithm is: phases, each an environment as the learner sees it, and what outlives them."""

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
"""Every task's name has one of the first two; one of the others makes a pattern that may fit some."""


class Saved(Protocol):
    """Something whose state is kept in a checkpoint."""

    def state_dict(self) -> dict[str, Array]:
        """Return its state."""
        ...

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore it."""
        ...


@dataclass(frozen=True)
class PhaseContext:
    """What a phase is made from.

    Attributes:
        config: the run's, with the phase's own settings.
        env: one copy of the bare environment, for its sizes and names.
        device: torch device.
        seed: of the phase: its random numbers are drawn from streams of its own.
        scope: what each agent can move; ``None`` where the algorithm asks for none.
        credit: the scope as the credit rule reads it; ``None`` likewise.
        shared: what the algorithm's phases share, by the names of :attr:`AlgorithmSpec.shared`.
        restored: what is shared is about to be restored from a checkpoint, which holds all of it.
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


def as_it_is(context: PhaseContext, env: BatchEnv) -> BatchEnv:
    """Leave the environment as it is."""
    return env


@dataclass(frozen=True)
class PhaseSpec:
    """One phase: fresh policies in an environment wrapped for them.

    Attributes:
        name: as ``metrics.csv`` and ``--set phases.NAME...`` have it.
        watch: wraps what is to see the environment's own reward, inside an intrinsic reward that the run names.
        wrap: makes the environment that the learner trains in.
        ends: tells after each iteration whether the next phase begins; the last phase has none.
        wrap_evaluation: makes the environment of evaluations, whose reward stays the environment's own.
        progress: tells what ends it, how much of that there is and how much ends it, such as ``("goals", 12, 64)``.
        probes: with ``probes.share`` its steps are probed, and its rewards follow the scope; the run then has the
            section ``probes``.
    """

    name: str
    wrap: Wrap = as_it_is
    ends: Callable[[PhaseContext], bool] | None = None
    wrap_evaluation: Wrap = as_it_is
    progress: Callable[[PhaseContext], tuple[str, int, int]] | None = None
    probes: bool = False
    watch: Wrap = as_it_is


@dataclass(frozen=True)
class AlgorithmSpec:
    """An algorithm as an entry of :data:`ALGORITHMS`.

    Attributes:
        description: one line.
        phases: in their order.
        needs_scope: estimate a scope first; the run then has the sections ``scope`` and ``credit``.
        learner: name of the learner that it takes by default.
        intrinsic: name of the intrinsic reward that makes it what it is; another one is refused.
        fixed: settings of its learner that make it what it is: section -> key -> value. Other values are refused.
        parts: parts of its learner that it takes, each with a section of its name.
        sections: further sections of the configuration: name -> frozen dataclass.
        whole_run: keys in sections that hold for the whole run, so that no phase can have its own: section -> keys.
        shared: objects that outlive a phase and are saved: name -> function that makes one, given the run's settings.
        metrics: columns of its own in ``metrics.csv``: name -> function, called after each iteration.
        presets: preset -> pattern of task names -> values, over those of :mod:`isa_learners.presets`.

    Raises:
        InvalidValueError: for no phases, two of one name, one before the last that never ends, a section that is no
            dataclass with defaults, an unknown preset, or one whose values are not by task.
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
            raise InvalidValueError(f"an algorithm's phases must be named differently, got {repeated[0]!r} twice")
        if endless := [phase.name for phase in self.phases[:-1] if phase.ends is None]:
            raise InvalidValueError(
                f"phase {endless[0]!r} must have ends=, which tells when the next one begins; the last alone has none"
            )
        for section, kind in self.sections.items():
            check_settings_class(f"section {section!r} of an algorithm", kind)
        for preset, layers in self.presets.items():
            check_choice("presets", preset, PRESETS)
            for pattern in layers:
                if not any(mark in pattern for mark in TASK_MARKS):
                    raise InvalidValueError(
                        f"preset {preset!r} of an algorithm must be by pattern of task names, such as '*' or 'grid/*', "
                        f"got {shown(pattern)}"
                    )

    @property
    def phase_names(self) -> tuple[str, ...]:
        """The phases' names."""
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
