"""The registry of influence estimators, and their base class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from isa_wrappers.blame import ErrorSource
from isa_wrappers.config import ScopeConfig, SettledScope
from isa_wrappers.registry import Registry
from isa_wrappers.scope.evidence import Measured
from isa_wrappers.scope.transitions import Transitions

Figures = npt.NDArray[np.float64]
"""Influence of every agent's actions on every dimension, compared with delta, ``[A, n, K]``."""


class Estimator(ABC):
    """Computes from random transitions the influence that is compared with delta in Def. 1.

    Attributes:
        figure: name of the influence measure in tables and pictures.
        collect: how transitions are collected: ``one_at_a_time`` (each agent in turn acts at random while its
            teammates hold a joint action; N transitions per agent) or ``all_at_once`` (all agents act at random; N
            transitions in total).
        transitions: default of N.
        stretches: factor by which N may grow if it is not set and an action is rarely available.
        delta: default threshold for this measure.
        window: default of W.
        takes_components: whether it supports structured actions such as ``Box``.

    Example:
        >>> class EverythingMoves(Estimator):
        ...     figure = "certainty"
        ...
        ...     def estimate(self, transitions, config, num_actions):
        ...         agents, size = transitions[0].actions.shape[-1], transitions[0].states.shape[-1]
        ...         return np.ones((agents, num_actions, size))
        >>> settled = EverythingMoves().settled(ScopeConfig(transitions=100))
        >>> settled.delta, EverythingMoves().env_steps(settled, num_agents=3)
        (0.3, 300)
    """

    figure: ClassVar[str] = "influence"
    collect: str = "one_at_a_time"
    takes_components: ClassVar[bool] = False
    transitions: int = 2_000
    stretches: ClassVar[int] = 1
    delta: float = 0.3
    window: int = 1

    def settled(self, config: ScopeConfig) -> SettledScope:
        """Return a configuration in which the estimator's defaults replace unset values."""
        values = {field.name: getattr(config, field.name) for field in fields(ScopeConfig)}
        own = {name: getattr(self, name) for name in ("transitions", "delta", "window") if values[name] is None}
        return SettledScope(**values | own)

    def on(self, device: str | None) -> Estimator:
        """Return the estimator with its computation on a torch device, if it supports that; ``None`` for NumPy."""
        return self

    @abstractmethod
    def estimate(self, transitions: list[Transitions], config: SettledScope, num_actions: int) -> Figures:
        """Return the influence of action a of agent i on dimension k, ``[A, n, K]`` float64 in [0, 1].

        Args:
            transitions: transitions of all agents, collected according to :attr:`collect`.
            config: N, bins, window.
            num_actions: the largest number of actions of an agent, n.
        """

    def measure(self, transitions: list[Transitions], config: SettledScope, num_actions: int) -> Measured:
        """Return the result of :meth:`estimate`, with evidence if the estimator provides it."""
        with ErrorSource(f"estimator {config.estimator!r}"):
            figures = self.estimate(transitions, config, num_actions)
        return Measured(figures)

    def chance(
        self, transitions: list[Transitions], config: SettledScope, num_actions: int, rng: np.random.Generator
    ) -> float | None:
        """Return the largest value if actions move nothing; ``None`` if the estimate already excludes chance."""
        return None

    def advice(self) -> str:
        """Return advice for a chance level near delta."""
        return "use more transitions"

    def needed(self, num_actions: int, config: ScopeConfig) -> int:
        """Return the minimum number of transitions for an estimate."""
        return 2 * num_actions

    def env_steps(self, config: SettledScope, num_agents: int) -> int:
        """Return the approximate number of environment steps of an estimate.

        The actual number is larger if agents are dead for some time, if N is not a multiple of the number of copies, or
        if an action is rarely available; it is smaller if the estimate stops once it is certain.
        """
        return config.transitions * (1 if self.collect == "all_at_once" else num_agents)


ESTIMATORS: Registry[Estimator] = Registry(
    "scope estimator",
    "isa_marl.estimators",
    {
        "nmi_block": "isa_wrappers.scope.nmi:NMI_BLOCK",
        "nmi_pooled": "isa_wrappers.scope.nmi:NMI_POOLED",
        "interval_effect": "isa_wrappers.scope.interval_effect:INTERVAL_EFFECT",
        "interval_effect_in_turn": "isa_wrappers.scope.interval_effect:INTERVAL_EFFECT_IN_TURN",
    },
    Estimator,
)
"""The scope estimators by name; add others with entry points or :meth:`Registry.register`."""
