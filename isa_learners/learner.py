"""The interface of learners, which act, learn from rollouts and save their state, independent of algorithms."""

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
"""Tensors ``[B, ...]`` that a policy carries from step to step, such as hidden states."""


@dataclass
class Decision:
    """The decision of a learner in a step.

    Attributes:
        action: ``[B, A]`` int64; with an action code ``[B, A, d]`` float32.
        memory: memory after the step, as if the episode continued.
        record: ``[B, ...]`` each, values to store in the rollout's ``record``.
    """

    action: Tensor
    memory: Memory
    record: dict[str, Tensor] = field(default_factory=dict)


class Learner(Protocol):
    """A trainable policy of all agents, with or without shared parameters."""

    def begin(self, num_envs: int) -> Memory:
        """Return the memory at the start of episodes."""
        ...

    def act(self, step: BatchStep, memory: Memory, noise: Generator | None = None) -> Decision:
        """Choose the next action of every agent.

        Args:
            step: current step.
            memory: memory from the step before.
            noise: generator for exploration; ``None`` acts greedily.
        """
        ...

    def forget(self, memory: Memory, done: Tensor) -> Memory:
        """Return the memory, reset for the environments where ``done`` ``[B]``."""
        ...

    def set_progress(self, progress: float) -> None:
        """Set the progress of the run, from 0 to 1."""
        ...

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Learn from a rollout; return the metrics declared in the learner's spec."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything that the next actions and updates depend on."""
        ...

    def load_state_dict(self, state: dict[str, Tensor], policy_only: bool = False) -> None:
        """Restore a state; with ``policy_only``, only what acting greedily needs, on any device."""
        ...


class ProbedLearner(Learner, Protocol):
    """A learner that supports probes: marked random actions that replace those of its policy.

    Updates of the policy ignore the steps that ``rollout.probe`` marks; values include them.
    """

    def act(
        self, step: BatchStep, memory: Memory, noise: Generator | None = None, probes: Tensor | None = None
    ) -> Decision:
        """Choose the next action of every agent; entries of ``probes`` ``[B, A]`` other than -1 replace it."""
        ...


@runtime_checkable
class RecordedLearner(Protocol):
    """A learner whose :meth:`Learner.act` can be recorded as a CUDA graph, as it changes only tensors."""

    def acting(self) -> tuple[Any, ...]:
        """Return the objects that :meth:`Learner.act` reads."""
        ...


def _accept_all(sizes: Sizes, config: Any, device: str) -> None:
    """Accept everything."""


def _reads_no_progress(config: Any) -> bool:
    return False


@dataclass(frozen=True)
class PartSpec:
    """An optional part of a learner, for the algorithms that request it.

    Attributes:
        config: frozen dataclass of its settings; the section of the run has the name of the part.
        metrics: additional metrics that :meth:`Learner.learn` returns.

    Raises:
        InvalidValueError: if ``config`` is not a frozen dataclass with defaults.
    """

    config: type
    metrics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_settings_class("config of a learner's part", self.config)


@dataclass(frozen=True)
class LearnerSpec:
    """A learner, as an entry of :data:`LEARNERS`.

    Attributes:
        description: one-line description.
        config: frozen dataclass of its settings, with at least ``num_envs`` and ``rollout_steps``; the section of the
            run has the name of the learner.
        metrics: names of the metrics of :meth:`Learner.learn`, which are columns of ``metrics.csv``.
        make: ``(sizes, config, device, seed) -> Learner``; settings of parts are additional keyword arguments.
        takes_probes: whether the learner is a :class:`ProbedLearner`.
        check: ``(sizes, config, device)``; raises an error before the run if it cannot learn in the environment.
        reads_progress: called with the settings; returns whether learning depends on :meth:`Learner.set_progress`, so
            that runs with different ``steps`` differ from the start.
        parts: parts, by the names in :attr:`~isa_learners.algorithms.AlgorithmSpec.parts`.

    Raises:
        InvalidValueError: if ``config`` is not a frozen dataclass with defaults.
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
"""Learners by name; add your own with entry points or :meth:`Registry.register`."""
