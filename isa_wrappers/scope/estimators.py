"""Estimators of influence: the list, and what an entry has to offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from isa_wrappers.blame import Blamed
from isa_wrappers.config import ScopeConfig, SettledScope
from isa_wrappers.registry import Registry
from isa_wrappers.scope.evidence import Measured
from isa_wrappers.scope.transitions import Transitions

Figures = npt.NDArray[np.float64]
"""``[A, n, K]``: what is compared with delta, of every agent, action and dimension."""


class Estimator(ABC):
    """Turns random transitions into the figure that is compared with delta in Def. 1.

    Attributes:
        figure: what the figure is called in tables and pictures.
        collect: how transitions are collected: ``one_at_a_time`` (each agent in turn acts at random while its
            teammates hold a joint action; N transitions per agent) or ``all_at_once`` (everyone acts at random; N
            transitions in all).
        transitions: N where the configuration gives none.
        stretches: how many times as many are taken where N is left open and an action is seldom to be had.
        delta: the threshold that suits the figure, where the configuration gives none.
        window: W where the configuration gives none.
        takes_components: it can read actions of more than a number, ``Box`` among them.

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
        """Return a configuration in which what was left open is the estimator's own."""
        values = {field.name: getattr(config, field.name) for field in fields(ScopeConfig)}
        own = {name: getattr(self, name) for name in ("transitions", "delta", "window") if values[name] is None}
        return SettledScope(**values | own)

    def on(self, device: str | None) -> Estimator:
        """Return the estimator with its arithmetic on a torch device, where it has any; ``None`` for NumPy."""
        return self

    @abstractmethod
    def estimate(self, transitions: list[Transitions], config: SettledScope, num_actions: int) -> Figures:
        """Return ``[A, n, K]`` float64 in [0, 1]: how much action a of agent i tells of the change of dimension k.

        Args:
            transitions: of all agents, collected as :attr:`collect` says.
            config: N, bins, window.
            num_actions: n, the largest number of actions of an agent.
        """

    def measure(self, transitions: list[Transitions], config: SettledScope, num_actions: int) -> Measured:
        """Return the figures of :meth:`estimate`, and how sure they are where that is known."""
        with Blamed(f"estimator {config.estimator!r}"):
            figures = self.estimate(transitions, config, num_actions)
        return Measured(figures)

    def chance(
        self, transitions: list[Transitions], config: SettledScope, num_actions: int, rng: np.random.Generator
    ) -> float | None:
        """Return the largest figure where actions move nothing; ``None`` where the estimate itself rules chance out."""
        return None

    def advice(self) -> str:
        """Say what to change where chance comes near delta."""
        return "take more transitions"

    def needed(self, num_actions: int, config: ScopeConfig) -> int:
        """Return the fewest transitions that give an estimate."""
        return 2 * num_actions

    def env_steps(self, config: SettledScope, num_agents: int) -> int:
        """Return about how many environment steps an estimate takes, before it takes them.

        More of them are taken where agents are waited for while they are dead, where copies share N unevenly, and where
        an action is seldom to be had; fewer where it ends once it is certain.
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
"""The scope estimators by name; others come by entry points or :meth:`Registry.register`."""
