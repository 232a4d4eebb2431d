"""The goal reward of Eq. 7, for the wrappers of single and batched environments."""

from __future__ import annotations

import numpy as np

from isa_wrappers.arrays import Array, array_device, backend, namespace
from isa_wrappers.checks import check_actions, check_transition
from isa_wrappers.config import GoalConfig
from isa_wrappers.errors import check_kind
from isa_wrappers.rewards.base import IntrinsicReward, RewardParts
from isa_wrappers.rewards.plain import PlainGoalReward, PlainSum, is_small
from isa_wrappers.rewards.segments import combine_segments, gate_of, scope_segments, segment_progress
from isa_wrappers.rewards.transition import Transition
from isa_wrappers.scope.credit import Credit, as_credit
from isa_wrappers.scope.influence import InfluenceScope


class GoalReward(IntrinsicReward):
    """The goal reward, Eq. 7: ``r_i = gate * r_c + alpha1 * r_(i-c) + alpha2 * r_env``.

    Args:
        scope: scope of the agents, or credit made from it by another rule.
        config: weights and lambda.
        device: ``None`` for NumPy, else a torch device.

    Source: arXiv 2505.08630, Eq. 7.

    Example:
        >>> import numpy as np
        >>> scope = InfluenceScope.from_dimensions({"a": [[], [0]]}, state_size=1)
        >>> before, after, goal = (np.array([x], dtype=np.float32) for x in (0.0, 3.0, 4.0))
        >>> zero, alive = np.zeros(1, dtype=np.float32), np.ones(1, dtype=bool)
        >>> step = Transition(before, after, None, np.array([1]), zero, alive, goal)
        >>> GoalReward(scope)(step).total.tolist()
        [3.0]
    """

    credit: Credit
    name = "progress"
    parts = ("common", "special")
    needs_goal = True

    def __init__(
        self, scope: InfluenceScope | Credit, config: GoalConfig | None = None, device: str | None = None
    ) -> None:
        self.config = GoalConfig() if config is None else config
        check_kind("config", self.config, GoalConfig)
        self.device = device
        self.keeps_env_reward = self.config.alpha2 > 0.0 or self.config.alpha2_won > 0.0
        self._use_credit(as_credit(scope))

    def _use_credit(self, credit: Credit) -> None:
        self.credit = credit
        self.special_weight = self.config.alpha1 if credit.special_weight is None else credit.special_weight
        self._num_actions = np.array(credit.num_actions)
        xp = backend(self.device)
        self._gate = xp.asarray(credit.gate.copy(), device=self.device)
        self._segments = xp.asarray(scope_segments(credit), device=self.device)
        add_up = PlainSum(credit, self.special_weight, self.config.alpha2, self.config.alpha2_won)
        small = self.device is None and is_small(credit)
        self.plain = PlainGoalReward(self.config.hamming, add_up) if small else None

    def follow(self, scope: InfluenceScope | Credit) -> None:
        """Continue with an extended scope. Goals are whole states, so none is lost.

        Raises:
            ScopeMismatchError: if the scope was made for another environment.
        """
        credit = as_credit(scope)
        credit.check_fits(self.credit.agents, self.credit.num_actions, self.credit.state_size)
        self._use_credit(credit)

    def __call__(self, transition: Transition, update: bool = True) -> RewardParts:
        """Reward the step's progress towards its goal.

        Args:
            transition: the step; agents that did not act receive only the environment's reward.
            update: not used.

        Raises:
            InvalidValueError: if the shapes do not fit these agents, or an agent does not have its action.
        """
        check_transition(transition, self.credit.num_agents, self.credit.state_size, ("s_t", "s_tp1", "goal"))
        check_actions(transition.actions, transition.alive, self._num_actions)
        reward = transition.reward
        alive = transition.alive
        hamming = self.config.hamming
        progress = segment_progress(transition.s_t, transition.s_tp1, transition.goal, self._segments, hamming)
        progress = namespace(progress).astype(progress, reward.dtype, copy=False)  # distances have the states' dtype
        gate = gate_of(self._gate, transition.actions, alive)
        total, intrinsic, common, special = combine_segments(
            progress[..., 0], progress[..., 1:] * alive, gate, reward, self.special_weight, self._env_weight(transition)
        )
        return RewardParts(total, intrinsic, {"common": common, "special": special})

    def _env_weight(self, transition: Transition) -> float | Array:
        """Return alpha2 plus the term that grows with the fraction of won episodes."""
        if not self.config.alpha2_won or transition.won_share is None:
            return self.config.alpha2
        xp, dtype = namespace(transition.reward), transition.reward.dtype
        share = xp.asarray(transition.won_share, dtype=dtype, device=array_device(transition.reward))
        return self.config.alpha2 + self.config.alpha2_won * xp.clip(2.0 * share - 1.0, 0.0, None)
