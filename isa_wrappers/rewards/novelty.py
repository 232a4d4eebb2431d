"""Count-based novelty of whole states or of each agent's observations: baselines for ISA's Eq. 10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_wrappers.arrays import Array, namespace, with_prefix, without_prefix
from isa_wrappers.checks import check_last
from isa_wrappers.config import CountConfig
from isa_wrappers.errors import check_int, check_kind
from isa_wrappers.fields import Range, check_fields
from isa_wrappers.rewards.base import IntrinsicReward, RewardParts
from isa_wrappers.rewards.counts import VisitCounter
from isa_wrappers.rewards.segments import count_bonus
from isa_wrappers.rewards.transition import Transition


@dataclass(frozen=True)
class NoveltyConfig:
    """How visits are distinguished.

    Attributes:
        count_scale: cells per unit; a visit is counted in the nearest cell.
        table_bits: log2 of the number of slots in the count table.
    """

    count_scale: Annotated[float, Range(1e-12, 1e12)] = CountConfig.count_scale
    table_bits: Annotated[int, Range(4, 30)] = CountConfig.table_bits

    def __post_init__(self) -> None:
        check_fields(self)


class _Novelty(IntrinsicReward):
    """Counts full vectors in one table."""

    parts = ("novelty",)

    def __init__(self, size: int, config: NoveltyConfig | None, device: str | None) -> None:
        config = NoveltyConfig() if config is None else config
        check_kind("config", config, NoveltyConfig)
        self._size = size
        self.counter = VisitCounter([list(range(size))], config.count_scale, config.table_bits, device)

    def state_dict(self) -> dict[str, Array]:
        """Return the counts."""
        return with_prefix("counter", self.counter.state_dict())

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.counter.load_state_dict(without_prefix("counter", state))


class StateNovelty(_Novelty):
    """``N(phi(s'))^-1/2`` of the whole state, the same for every agent that acted (Bellemare et al., 2016).

    Args:
        state_size: length of the state, K.
        config: counting options.
        device: ``None`` for NumPy, else a torch device.

    Source: arXiv 1606.01868; ISA's paper compares with it in Fig. 4a.

    Example:
        >>> import numpy as np
        >>> novelty = StateNovelty(state_size=2)
        >>> step = Transition(None, np.zeros(2), None, np.array([0]), np.zeros(1), np.array([True]))
        >>> [round(float(novelty(step).total[0]), 3) for _ in range(2)]
        [1.0, 0.707]
    """

    name = "count_state"

    def __init__(self, state_size: int, config: NoveltyConfig | None = None, device: str | None = None) -> None:
        super().__init__(check_int("state_size", state_size, 1), config, device)

    def __call__(self, transition: Transition, update: bool = True) -> RewardParts:
        """Count the visited state and reward it.

        Raises:
            InvalidValueError: if the state has another size.
        """
        check_last("s_tp1", transition.s_tp1, self._size)
        if update:  # a step in which no agent acted, such as one lost in a game crash, visits nothing
            acted = namespace(transition.alive).any(transition.alive, axis=-1)
            visits = self.counter.visit(transition.s_tp1, acted)
        else:
            visits = self.counter.count(transition.s_tp1)
        return _reward_parts(transition, _bonus(transition, visits))


class ObservationNovelty(_Novelty):
    """``N(phi(o_i'))^-1/2`` of each agent's own observation, in one table for all agents.

    Args:
        obs_size: length of an observation, O.
        config: counting options.
        device: ``None`` for NumPy, else a torch device.

    Example:
        >>> import numpy as np
        >>> novelty = ObservationNovelty(obs_size=1)
        >>> seen, acted = np.array([[3.0], [3.0], [4.0]]), np.array([True, True, False])
        >>> step = Transition(None, None, seen, np.zeros(3, int), np.zeros(3), acted)
        >>> novelty(step).total.round(3).tolist()
        [0.707, 0.707, 0.0]
    """

    name = "count_observation"
    needs_obs = True

    def __init__(self, obs_size: int, config: NoveltyConfig | None = None, device: str | None = None) -> None:
        super().__init__(check_int("obs_size", obs_size, 1), config, device)

    def __call__(self, transition: Transition, update: bool = True) -> RewardParts:
        """Count the observation of each agent that acted, and reward it.

        Raises:
            InvalidValueError: if observations have another size.
        """
        observations = transition.obs_tp1
        check_last("obs_tp1", observations, self._size)
        visits = self.counter.visit(observations, transition.alive) if update else self.counter.count(observations)
        return _reward_parts(transition, _bonus(transition, visits)[..., 0])


def _bonus(transition: Transition, visits: Array) -> Array:
    """Return the bonus of the single, non-empty segment."""
    return count_bonus(visits, namespace(visits).ones_like(transition.reward.reshape(-1)[:1]))


def _reward_parts(transition: Transition, bonus: Array) -> RewardParts:
    """Pay ``bonus`` (``[..., 1]`` for all or ``[..., A]``) to agents that acted, plus the environment's reward."""
    intrinsic = bonus * transition.alive
    return RewardParts(intrinsic + transition.reward, intrinsic, {"novelty": intrinsic})
