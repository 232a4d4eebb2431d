"""The exploration bonus of Eq. 10 with its counter, for the wrappers of single and batched environments."""

from __future__ import annotations

import numpy as np

from isa_wrappers.arrays import Array, backend, namespace, with_prefix, without_prefix
from isa_wrappers.checks import check_actions, check_transition
from isa_wrappers.config import CountConfig
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError, check_kind
from isa_wrappers.rewards.base import IntrinsicReward, RewardParts
from isa_wrappers.rewards.counts import VisitCounter
from isa_wrappers.rewards.plain import PlainCountBonus, PlainSum, is_small
from isa_wrappers.rewards.segments import combine_segments, count_bonus, gate_of, scope_segments
from isa_wrappers.rewards.transition import Transition
from isa_wrappers.scope.credit import Credit, as_credit
from isa_wrappers.scope.influence import InfluenceScope


class CountBonus(IntrinsicReward):
    """The exploration bonus, Eq. 10: ``r_i+ = gate * N(s'_c)^-1/2 + beta1 * N(s'_(i-c))^-1/2 + beta2 * r_env``.

    Args:
        scope: scope of the agents, or credit made from it by another rule.
        config: weights and counting options.
        device: ``None`` for NumPy, else a torch device.
        counter: counter to share between environments; by default each bonus creates its own.

    Raises:
        ScopeMismatchError: if the shared counter has other segments.
        InvalidValueError: if its scale differs from that of ``config``.

    Source: arXiv 2505.08630, Eq. 10.

    Example:
        >>> import numpy as np
        >>> scope = InfluenceScope.from_dimensions({"a": [[], [0]]}, state_size=1)
        >>> bonus = CountBonus(scope, CountConfig(beta1=0.5))
        >>> state, act = np.array([[3.0]], dtype=np.float32), np.array([[1]])
        >>> zero, alive = np.zeros((1, 1), dtype=np.float32), np.ones((1, 1), dtype=bool)
        >>> step = Transition(s_t=None, s_tp1=state, obs_tp1=None, actions=act, reward=zero, alive=alive)
        >>> [round(float(bonus(step).total[0, 0]), 3) for _ in range(2)]
        [1.0, 0.707]
    """

    credit: Credit
    name = "bonus"
    parts = ("common", "special")

    def __init__(
        self,
        scope: InfluenceScope | Credit,
        config: CountConfig | None = None,
        device: str | None = None,
        counter: VisitCounter | None = None,
    ) -> None:
        self.config = CountConfig() if config is None else config
        check_kind("config", self.config, CountConfig)
        self.credit = credit = as_credit(scope)
        segments = credit.segment_dims
        if counter is not None:
            check_kind("counter", counter, VisitCounter)
        if counter is not None and counter.segments != segments:
            raise ScopeMismatchError(
                f"the shared counter counts segments {counter.segments}, but this scope has {segments}; create a "
                "counter for this scope"
            )
        if counter is not None and config is not None and counter.count_scale != config.count_scale:
            raise InvalidValueError(
                f"the shared counter has count_scale {counter.count_scale}, but config has {config.count_scale}"
            )
        self.counter = counter or VisitCounter(segments, self.config.count_scale, self.config.table_bits, device)
        self._device = device
        self.keeps_env_reward = self.config.beta2 > 0.0
        self._use_credit(credit)

    def _use_credit(self, credit: Credit) -> None:
        self.credit = credit
        self.special_weight = self.config.beta1 if credit.special_weight is None else credit.special_weight
        self._num_actions = np.array(credit.num_actions)
        xp = backend(self._device)
        self._gate = xp.asarray(credit.gate.copy(), device=self._device)
        self._nonempty = xp.asarray(scope_segments(credit).max(axis=1), device=self._device)
        small = self.counter.device is None and is_small(credit)
        add_up = PlainSum(credit, self.special_weight, self.config.beta2)
        self.plain = PlainCountBonus(self.counter, add_up) if small else None

    def follow(self, scope: InfluenceScope | Credit) -> None:
        """Continue with an extended scope: a segment whose dimensions do not change keeps its counts.

        A segment with other dimensions starts from zero, since keys are not stored and the counts of longer keys cannot
        be derived. Bonuses that share a counter must all follow.

        Raises:
            ScopeMismatchError: if the scope was made for another environment.
        """
        credit = as_credit(scope)
        credit.check_fits(self.credit.agents, self.credit.num_actions, self.credit.state_size)
        if self.counter.segments != credit.segment_dims:  # else a bonus with the same counter has already followed
            self.counter.follow(credit.segment_dims)
        self._use_credit(credit)

    def __call__(self, transition: Transition, update: bool = True) -> RewardParts:
        """Count the visited state ``s_tp1`` and reward it.

        Args:
            transition: the step; agents that did not act visit nothing and receive only the environment's reward. A
                step in which no agent acted, such as one lost in a game crash, counts for no segment.
            update: whether to count the visit.

        Raises:
            InvalidValueError: if the shapes do not fit these agents, or an agent does not have its action.
        """
        check_transition(transition, self.credit.num_agents, self.credit.state_size, ("s_tp1",))
        check_actions(transition.actions, transition.alive, self._num_actions)
        alive = transition.alive
        if update:
            xp = namespace(alive)
            team = xp.any(alive, axis=-1, keepdims=True)
            visits = self.counter.visit(transition.s_tp1, xp.concat([team, alive], axis=-1))
        else:
            visits = self.counter.count(transition.s_tp1)
        bonus = count_bonus(visits, self._nonempty)
        gate = gate_of(self._gate, transition.actions, alive)
        total, intrinsic, common, special = combine_segments(
            bonus[..., 0], bonus[..., 1:] * alive, gate, transition.reward, self.special_weight, self.config.beta2
        )
        return RewardParts(total, intrinsic, {"common": common, "special": special})

    def state_dict(self) -> dict[str, Array]:
        """Return the counts."""
        return with_prefix("counter", self.counter.state_dict())

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.counter.load_state_dict(without_prefix("counter", state))
