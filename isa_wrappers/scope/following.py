"""A scope that follows training: the scope of random play, extended by random actions drawn during training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import with_prefix, without_prefix
from isa_wrappers.errors import InvalidValueError, check_int
from isa_wrappers.scope.estimators import Figures
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.interval_effect import IntervalEffect
from isa_wrappers.scope.probes import Marked, Probes
from isa_wrappers.scope.strata import effects_in_strata


class FollowingScope:
    """Adds dimensions to a scope as policies reach states that random play does not reach.

    ``E_new = max(E_random, E_probes)`` in the dimensions that random play did not find for an agent. Dimensions that it
    found do not change, since few transitions in a stratum show less reliably *which* action moves a dimension. Nothing
    is ever removed.

    Args:
        base: the scope of random play, with interval effects.
        capacity: maximum number of stored transitions with marked draws, see
            :class:`~isa_wrappers.scope.probes.Probes`.

    Attributes:
        probes: the stored transitions.
        looks: number of estimates so far.
        came: training step at which each version after the base was created.

    Raises:
        InvalidValueError: if the scope uses another measure of influence, which would not be comparable.

    Example:
        >>> base = InfluenceScope(("a",), np.zeros((1, 2, 1)), 0.1, (2,), figure="interval effect")
        >>> rng, yes = np.random.default_rng(0), np.ones((400, 1), dtype=bool)
        >>> act, states = rng.integers(2, size=(400, 1)), np.zeros((400, 1), dtype=np.float32)
        >>> following = FollowingScope(base)
        >>> following.add(Marked(states, states + act, act, np.ones((400, 1, 2), dtype=bool), yes, yes))
        >>> following.look(), following.scope.action_dims
        (True, {'a': [[], [0]]})
    """

    def __init__(self, base: InfluenceScope, capacity: int = 20_000) -> None:
        check_followed(base.figure)
        self.base = base
        self.probes = Probes(capacity)
        self.looks = 0
        self.came: list[int] = []
        self._probe_influence: Figures = np.zeros_like(base.influence)
        self._num_seen = 0

    @property
    def scope(self) -> InfluenceScope:
        """The current scope: the base scope as long as nothing was added.

        The settings of a later version contain its ``version`` and, as ``env_steps``, the step at which it was created.
        It has no evidence, since that of random play does not cover the additions.
        """
        if not self.came:
            return self.base
        settings = {**self.base.settings, "env_steps": self.came[-1], "version": len(self.came)}
        return replace(self.base, influence=self._influence, settings=settings, evidence=None)

    @property
    def added(self) -> int:
        """Number of added dimensions, counted once for each agent that moves them."""
        return int((self.scope.agent_mask & ~self.base.agent_mask).sum())

    @property
    def _influence(self) -> Figures:
        return np.where(
            self.base.agent_mask[:, None], self.base.influence, np.maximum(self.base.influence, self._probe_influence)
        )

    def add(self, steps: Marked) -> None:
        """Store the steps with marked draws."""
        self.probes.add(steps)

    def look(self, step: int = 0) -> bool:
        """Estimate again from the stored draws, if there are new ones; return whether the scope has grown.

        Args:
            step: training step, stored with a new version.
        """
        window = self.probes.window()
        if window is None or self.probes.number == self._num_seen:
            return False
        self._num_seen = self.probes.number
        self.looks += 1
        was_inside = self._influence > self.base.delta
        missing = ~self.base.agent_mask
        self._probe_influence = np.maximum(
            self._probe_influence, effects_in_strata(window, missing, IntervalEffect.delta, self.looks)
        )
        has_grown = bool(((self._influence > self.base.delta) & ~was_inside).any())
        if has_grown:
            self.came.append(step)
        return has_grown

    def state_dict(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the stored draws and the estimates."""
        saved = {
            "found": self._probe_influence.copy(),
            "looks": np.array([self.looks, self._num_seen]),
            "came": np.array(self.came, dtype=np.int64),
        }
        return saved | with_prefix("probes", self.probes.state_dict())

    def load_state_dict(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            InvalidValueError: if it belongs to another scope.
        """
        influence = np.array(state["found"], dtype=np.float64)
        if influence.shape != self.base.influence.shape or not ((influence >= 0.0) & (influence <= 1.0)).all():
            raise InvalidValueError(
                f"the influence found by probes must have shape {list(self.base.influence.shape)} and lie in [0, 1], "
                f"got shape {list(influence.shape)}"
            )
        self._probe_influence = influence
        self.looks, self._num_seen = (check_int("looks", int(value), 0) for value in state["looks"])
        self.came = [check_int("came", int(value), 0) for value in state["came"]]
        self.probes.load_state_dict(without_prefix("probes", state))


def check_followed(figure: str) -> None:
    """Check that a scope uses the measure of influence of probes, the interval effect.

    Raises:
        InvalidValueError: if it does not.
    """
    if figure != IntervalEffect.figure:
        raise InvalidValueError(
            f"a scope that follows training must use interval effects, got {figure!r}; "
            "set scope.estimator=interval_effect"
        )
