"""What a learner is: it acts, it learns from rollouts, it saves itself. It knows neither algorithms nor ISA."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from isa_wrappers.errors import InvalidValueError
from isa_wrappers.fields import check_settings_class
from isa_wrappers.registry import Registry

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from isa_learners.rollout import Rollout, Sizes
    from isa_wrappers.batch import BatchStep

Memory = dict[str, "Tensor"]
"""What a policy carries from step to step, such as hidden states: ``[B, ...]`` each."""


@dataclass
class Decision:
    """What a learner does in a step.

    Attributes:
        action: ``[B, A]`` int64; with an action code ``[B, A, d]`` float32.
        memory: after the step, as if the episode went on.
        record: ``[B, ...]`` each, what the learner wants to find in the rollout's ``record``.
    """

    action: Tensor
    memory: Memory
    record: dict[str, Tensor] = field(default_factory=dict)


class Learner(Protocol):
    """A policy that learns; all agents are in it, whether they share parameters or not."""

    def begin(self, num_envs: int) -> Memory:
        """Return the memory with which episodes start."""
        ...

    def act(self, step: BatchStep, memory: Memory, noise: Generator | None = None) -> Decision:
        """Choose everybody's next action.

        Args:
            step: what is seen now.
            memory: from the step before.
            noise: of exploration; ``None`` acts greedily.
        """
        ...

    def forget(self, memory: Memory, done: Tensor) -> Memory:
        """Return the memory with the environments where ``done`` ``[B]`` at an episode's start."""
        ...

    def set_progress(self, progress: float) -> None:
        """Say how far the run is, from 0 to 1."""
        ...

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Learn from a rollout; return the metrics that the learner's spec names."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything that the next actions and updates depend on."""
        ...

    def load_state_dict(self, state: dict[str, Tensor], policy_only: bool = False) -> None:
        """Restore what :meth:`state_dict` returned; with ``policy_only`` what acting greedily needs, on any device."""
        ...


class ProbedLearner(Learner, Protocol):
    """A learner that takes marked draws in the place of its own actions, and does not take them for its policy's.

    What it learns of the policy leaves out the steps that ``rollout.probe`` marks; values go on through them.
    """

    def act(
        self, step: BatchStep, memory: Memory, noise: Generator | None = None, probes: Tensor | None = None
    ) -> Decision:
        """Choose everybody's next action, but where ``probes`` ``[B, A]`` has one that is taken instead (-1: none)."""
        ...


@runtime_checkable
class RecordedLearner(Protocol):
    """A learner whose :meth:`Learner.act` can be recorded as a CUDA graph: all that changes in it are tensors."""

    def acting(self) -> tuple[Any, ...]:
        """Return the objects that acting reads."""
        ...


def _accept_all(sizes: Sizes, config: Any, device: str) -> None:
    """Refuse nothing."""


def _reads_no_progress(config: Any) -> bool:
    return False


@dataclass(frozen=True)
class PartSpec:
    """Something that a learner has for those algorithms alone that ask for it.

    Attributes:
        config: frozen dataclass of its settings; the run's section bears the part's name.
        metrics: what :meth:`Learner.learn` returns besides.

    Raises:
        InvalidValueError: if the configuration is no such class, with defaults.
    """

    config: type
    metrics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_settings_class("config of a learner's part", self.config)


@dataclass(frozen=True)
class LearnerSpec:
    """A learner as an entry of :data:`LEARNERS`.

    Attributes:
        description: one line.
        config: frozen dataclass of its settings, with at least ``num_envs`` and ``rollout_steps``; the run's section
            bears the learner's name.
        metrics: names of what :meth:`Learner.learn` returns: columns of ``metrics.csv``.
        make: ``(sizes, config, device, seed) -> Learner``; the settings of parts come besides, by their names.
        takes_probes: what it makes is a :class:`ProbedLearner`.
        check: ``(sizes, config, device)``; raises an error for what it cannot learn in, before a run begins.
        reads_progress: tells of its settings whether anything that is learned goes by :meth:`Learner.set_progress`, so
            that a run to other steps is another one from its start on.
        parts: by the names that :attr:`~isa_learners.algorithms.AlgorithmSpec.parts` asks for.

    Raises:
        InvalidValueError: if the configuration is no such class, with defaults.
    """

    description: str
    config: type
    metrics: tuple[str, ...]
    make: Callable[..., Learner]
    takes_probes: bool = False
    check: Callable[[Sizes, Any, str], None] = _accept_all
    reads_progress: Callable[[Any], bool] = _reads_no_progress
    parts: Mapping[str, PartSpec] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_settings_class("config of a learner", self.config)
        names = [setting.name for setting in fields(self.config)]
        if not {"num_envs", "rollout_steps"} <= set(names):
            raise InvalidValueError(
                f"config of a learner must have num_envs and rollout_steps, got {self.config.__name__} with "
                f"{', '.join(names) or 'none'}"
            )


LEARNERS: Registry[LearnerSpec] = Registry(
    "learner",
    "isa_marl.learners",
    {
        "ppo": "isa_learners.ppo.spec:PPO_LEARNER",
        "q": "isa_learners.q_learning.spec:Q_LEARNER",
        "coma": "isa_learners.coma.spec:COMA_LEARNER",
    },
    LearnerSpec,
)
"""The learners by name; others come by entry points or :meth:`Registry.register`."""
