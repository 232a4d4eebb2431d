"""Eq. 10's exploration bonus around a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from typing import Any

from isa_wrappers.arrays import Array, with_prefix, without_prefix
from isa_wrappers.config import CountConfig
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards.counts import VisitCounter
from isa_wrappers.rewards.intrinsic import CountBonus
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.spaces import StateFallback
from isa_wrappers.wrappers.base import Env, Infos, IntrinsicReward, Turn


class InfluenceCountBonus(IntrinsicReward):
    """Rewards each agent for rarely visited values of the state dimensions it can move.

    The reward becomes ``r_i+ = [D(a_i) meets D_c] N(s'_c)^-1/2 + beta1 N(s'_(i-c))^-1/2 + beta2 r_env`` (Eq. 10 of
    arXiv 2505.08630). ``infos[agent]`` gains ``"isa/bonus_common"`` (the first term), ``"isa/bonus_special"`` (the
    second before its weight) and ``"isa/env_reward"`` (the reward that came in). Dead agents visit nothing.

    Args:
        env: a ``ParallelEnv`` with discrete actions.
        scope: of its agents, from :func:`~isa_wrappers.scope.estimation.estimate_scope`.
        config: weights and counting.
        mode: ``"replace"`` or ``"add"``, see :class:`~isa_wrappers.wrappers.base.IntrinsicReward`.
        factor: of the reward or of the added part.
        counter: share one between environments; by default the wrapper has its own.
        state_fallback: where the global state comes from: ``None`` (``env.state()``), ``"observations"``, a function.

    Raises:
        ScopeMismatchError: if the scope was made for another environment.
        UnsupportedEnvironmentError: if ``env`` is no ``ParallelEnv`` or has no ``state()`` and none is given.
        InvalidValueError: if ``env`` has a count bonus already.

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

    part = "bonus"

    def __init__(
        self,
        env: Env,
        scope: InfluenceScope,
        config: CountConfig | None = None,
        mode: str = "replace",
        factor: float = 1.0,
        counter: VisitCounter | None = None,
        state_fallback: StateFallback = None,
    ) -> None:
        super().__init__(env, scope, mode, factor, state_fallback)
        if any(isinstance(inner, InfluenceCountBonus) for inner in self.inner_wrappers()):
            raise InvalidValueError(f"{env} has a count bonus already; a second one would count every visit twice")
        self.bonus = CountBonus(scope, config, counter=counter)

    def _advance(self, turn: Turn) -> tuple[dict[str, Any], dict[str, float], Infos]:
        rewards = self._inner_rewards(turn)
        found = self.bonus(self.global_state, turn.chosen, rewards, turn.acted, counting=not self.frozen)
        return self._paid(turn, found, self.bonus.config.beta1)

    def state_dict(self) -> dict[str, Array]:
        """Return the counts, and what the wrappers further in save."""
        return super().state_dict() | with_prefix("counter", self.bonus.counter.state_dict())

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned."""
        super().load_state_dict(state)
        self.bonus.counter.load_state_dict(without_prefix("counter", state))
