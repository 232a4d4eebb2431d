"""The exploration bonus of Eq. 10 around a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from isa_wrappers.border.spaces import StateFallback
from isa_wrappers.config import CountConfig
from isa_wrappers.rewards.count_bonus import CountBonus
from isa_wrappers.rewards.counts import VisitCounter
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.reward import RewardWrapper
from isa_wrappers.wrappers.turn import Env


class InfluenceCountBonus(RewardWrapper):
    """Rewards each agent for rarely visited values of the state dimensions it can move.

    The reward becomes ``r_i+ = [D(a_i) meets D_c] N(s'_c)^-1/2 + beta1 N(s'_(i-c))^-1/2 + beta2 r_env`` (Eq. 10 of
    arXiv 2505.08630). ``infos[agent]`` gains ``"isa/bonus_common"`` (the first term), ``"isa/bonus_special"`` (the
    second without its weight) and ``"isa/env_reward"`` (the incoming reward). Dead agents visit nothing.

    Args:
        env: a ``ParallelEnv``.
        scope: scope from :func:`~isa_wrappers.scope.estimation.estimate_scope`, or credit made from it.
        config: weights and counting options.
        mode: ``"replace"`` or ``"add"``, see :class:`~isa_wrappers.wrappers.reward.RewardWrapper`.
        factor: factor of the reward or of the added part.
        counter: counter to share between environments; by default the wrapper creates its own.
        state_fallback: source of the global state: ``None`` (``env.state()``), ``"observations"`` or a function.

    Attributes:
        bonus: the bonus of Eq. 10 with its counter.

    Raises:
        ScopeMismatchError: if the scope was made for another environment.
        UnsupportedEnvironmentError: if ``env`` is not a ``ParallelEnv``, or has neither ``state()`` nor a fallback.
        InvalidValueError: if ``env`` already has a count bonus.

    Example:
        >>> from isa_wrappers import ScopeConfig, estimate_scope
        >>> from isa_wrappers.envs import make_parallel
        >>> env = make_parallel("grid/shooting")
        >>> env = InfluenceCountBonus(env, estimate_scope(env, ScopeConfig(transitions=600)))
        >>> observations, infos = env.reset(seed=0)
        >>> _, rewards, _, _, infos = env.step({agent: 4 for agent in env.agents})
        >>> round(rewards["agent_0"], 3), infos["agent_0"]["isa/bonus_special"]
        (0.2, 1.0)
    """

    def __init__(
        self,
        env: Env,
        scope: InfluenceScope | Credit,
        config: CountConfig | None = None,
        mode: str = "replace",
        factor: float = 1.0,
        counter: VisitCounter | None = None,
        state_fallback: StateFallback = None,
    ) -> None:
        self.bonus = CountBonus(scope, config, counter=counter)
        super().__init__(env, self.bonus, mode, factor, scope, state_fallback)
