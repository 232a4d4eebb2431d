"""The exploration bonus of Eq. 10 around a batched environment."""

from __future__ import annotations

from isa_wrappers.batch.protocol import BatchEnv, check_batch
from isa_wrappers.config import CountConfig
from isa_wrappers.rewards.count_bonus import CountBonus
from isa_wrappers.rewards.counts import VisitCounter
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.batch.reward import RewardWrapper


class InfluenceCountBonus(RewardWrapper):
    """Rewards each agent for rarely visited values of the state dimensions it can move: Eq. 10 of arXiv 2505.08630.

    Args:
        env: a batched environment.
        scope: scope from :func:`~isa_wrappers.scope.estimation.estimate_scope`, or credit made from it.
        config: weights and counting options.
        mode: ``"replace"`` or ``"add"``, see :class:`~isa_wrappers.wrappers.batch.reward.RewardWrapper`.
        factor: factor of the reward or of the added part.
        counter: counter to share between environments; by default the wrapper creates its own.

    Attributes:
        bonus: the bonus of Eq. 10 with its counter.

    Raises:
        ScopeMismatchError: if the scope was made for another environment.
        InvalidValueError: if ``env`` already has a count bonus.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.envs import make_batch
        >>> scope = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=4)
        >>> env = InfluenceCountBonus(make_batch("grid/unlock", 1, num_agents=1), scope)
        >>> _ = env.reset(seed=0)
        >>> [round(float(env.step(np.array([[action]])).reward[0, 0]), 3) for action in (2, 1, 2)]
        [1.0, 1.0, 0.707]
    """

    def __init__(
        self,
        env: BatchEnv,
        scope: InfluenceScope | Credit,
        config: CountConfig | None = None,
        mode: str = "replace",
        factor: float = 1.0,
        counter: VisitCounter | None = None,
    ) -> None:
        check_batch(env)
        self.bonus = CountBonus(scope, config, env.device, counter)
        super().__init__(env, self.bonus, mode, factor)
