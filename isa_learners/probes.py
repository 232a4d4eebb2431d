"""Probes: marked steps in which an agent takes a uniformly random action, so that a scope can follow training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_wrappers.arrays import Array, Rng, namespace
from isa_wrappers.batch import BatchStep
from isa_wrappers.border.team_actions import draw_choices
from isa_wrappers.fields import Count, Range, Share, check_fields


@dataclass(frozen=True)
class ProbesConfig:
    """How a scope follows training.

    Attributes:
        share: probability that an agent's action in the exploration phase is a marked, uniformly random available
            action; 0 disables probes, so that the scope stays that of random play. 0.05 to 0.15 is a sensible range.
        every: environment steps between updates of the scope from the marked steps; one more follows at the end of the
            phase.
        memory: marked steps kept; the oldest are dropped.
    """

    share: Share = 0.0
    every: Count = 50_000
    memory: Annotated[int, Range(100, 10**7)] = 20_000

    def __post_init__(self) -> None:
        check_fields(self)


class Prober:
    """Draws random actions for probes from a separate random stream.

    Args:
        share: probability of a probe for each agent in each step.
        seed: seed of the stream.
        device: ``None`` for NumPy, else a torch device.

    Example:
        >>> from isa_wrappers.envs import make_batch
        >>> step = make_batch("grid/unlock", 2, num_agents=1, grid=2, targets=[(1, 1)]).reset()
        >>> Prober(0.0, seed=0)(step).tolist(), (Prober(1.0, seed=0)(step) >= 0).tolist()
        ([[-1], [-1]], [[True], [True]])
    """

    def __init__(self, share: float, seed: int, device: str | None = None) -> None:
        self.share = share
        self._rng = Rng(seed, device, "probes")

    def __call__(self, step: BatchStep) -> Array:
        """Return ``[B, A]`` actions drawn uniformly from the available ones; -1 where the policy acts."""
        xp = namespace(step.alive)
        drawn = draw_choices(self._rng, step.available)
        probed = (self._rng.uniform(*step.alive.shape) < self.share) & step.alive
        return xp.where(probed, drawn, xp.full_like(drawn, -1))

    def get_state(self) -> Array:
        """Return the state of the stream."""
        return self._rng.get_state()

    def set_state(self, state: Array) -> None:
        """Restore a state from :meth:`get_state`."""
        self._rng.set_state(state)
