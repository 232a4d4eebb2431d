"""Eq. 7 and Eq. 10 bound to a scope: what the single and the batched wrappers both call."""

from __future__ import annotations

from isa_wrappers.arrays import Array, backend, namespace
from isa_wrappers.config import CountConfig, GoalConfig
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.rewards.counts import VisitCounter, count_bonus
from isa_wrappers.rewards.segments import SegmentReward, combine_segments, credit_gate, scope_segments, segment_progress
from isa_wrappers.scope.influence import InfluenceScope


class CountBonus:
    """The exploration reward, Eq. 10: ``r_i+ = gate * N(s'_c)^-1/2 + beta1 * N(s'_(i-c))^-1/2 + beta2 * r_env``.

    Args:
        scope: of the agents.
        config: weights and counting.
        device: ``None`` for NumPy, else a torch device.
        counter: share one between environments; by default each bonus has its own.

    Example:
        >>> import numpy as np
        >>> scope = InfluenceScope.from_dimensions({"a": [[], [0]]}, state_size=1)
        >>> bonus = CountBonus(scope, CountConfig(beta1=0.5))
        >>> state, act = np.array([[3.0]], dtype=np.float32), np.array([[1]])
        >>> zero, alive = np.zeros((1, 1), dtype=np.float32), np.ones((1, 1), dtype=bool)
        >>> [round(float(bonus(state, act, zero, alive).total[0, 0]), 3) for _ in range(2)]
        [1.0, 0.707]
    """

    def __init__(
        self,
        scope: InfluenceScope,
        config: CountConfig | None = None,
        device: str | None = None,
        counter: VisitCounter | None = None,
    ) -> None:
        self.config = config or CountConfig()
        segments = [scope.common_dims, *scope.special_dims]
        if counter is not None and counter.segments != segments:
            raise ScopeMismatchError(
                f"the shared counter counts segments {counter.segments}, this scope has {segments}; make one for it"
            )
        if counter is not None and config is not None and counter.count_scale != config.count_scale:
            raise InvalidValueError(
                f"the shared counter counts at count_scale {counter.count_scale}, config says {config.count_scale}"
            )
        self.counter = counter or VisitCounter(segments, self.config.count_scale, self.config.table_bits, device)
        xp = backend(device)
        self._gate = xp.asarray(scope.touches_common.copy(), device=device)
        self._nonempty = xp.asarray(scope_segments(scope).max(axis=1), device=device)

    def __call__(
        self, s_tp1: Array, actions: Array, reward: Array, alive: Array, counting: bool = True
    ) -> SegmentReward:
        """Count the visited state and reward it.

        Args:
            s_tp1: ``[..., K]`` state after the action, before any automatic reset.
            actions: ``[..., A]``.
            reward: ``[..., A]`` the environment's.
            alive: ``[..., A]`` agents that acted; the others visit nothing and get the environment's reward alone.
            counting: False looks up without counting (evaluation).
        """
        if counting:
            every_team = alive[..., :1] | True
            visits = self.counter.visit(s_tp1, namespace(alive).concat([every_team, alive], axis=-1))
        else:
            visits = self.counter.count(s_tp1)
        bonus = count_bonus(visits, self._nonempty)
        special = bonus[..., 1:] * alive
        gate = credit_gate(self._gate, actions) & alive
        return combine_segments(bonus[..., 0], special, gate, reward, self.config.beta1, self.config.beta2)


class GoalReward:
    """The goal-segment reward, Eq. 7: ``r_i = gate * r_c + alpha1 * r_(i-c) + alpha2 * r_env``.

    Args:
        scope: of the agents.
        config: weights and lambda.
        device: ``None`` for NumPy, else a torch device.
    """

    def __init__(self, scope: InfluenceScope, config: GoalConfig | None = None, device: str | None = None) -> None:
        self.config = config or GoalConfig()
        xp = backend(device)
        self._gate = xp.asarray(scope.touches_common.copy(), device=device)
        self._segments = xp.asarray(scope_segments(scope), device=device)

    def __call__(
        self, s_t: Array, s_tp1: Array, goal: Array, actions: Array, reward: Array, alive: Array
    ) -> SegmentReward:
        """Reward the step's progress towards the goal.

        Args:
            s_t: ``[..., K]`` state before the action.
            s_tp1: ``[..., K]`` state after it, before any automatic reset.
            goal: ``[..., K]``.
            actions: ``[..., A]``.
            reward: ``[..., A]`` the environment's.
            alive: ``[..., A]`` agents that acted; the others get the environment's reward alone.
        """
        progress = segment_progress(s_t, s_tp1, goal, self._segments, self.config.hamming)
        special = progress[..., 1:] * alive
        gate = credit_gate(self._gate, actions) & alive
        return combine_segments(progress[..., 0], special, gate, reward, self.config.alpha1, self.config.alpha2)
