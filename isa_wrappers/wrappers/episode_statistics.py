"""Episode statistics of a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum
from operator import add
from typing import Any, NamedTuple

from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers.border.infos import has_crashed
from isa_wrappers.border.layers import Freezable
from isa_wrappers.border.living import Living
from isa_wrappers.border.returned import check_reset, check_step
from isa_wrappers.border.rewards import plain_rewards
from isa_wrappers.border.spaces import as_parallel
from isa_wrappers.border.start import reset_env
from isa_wrappers.border.success import SuccessCriterion, SuccessRule
from isa_wrappers.wrappers.turn import Env, Infos


class Totals(NamedTuple):
    """Sums over finished episodes.

    Attributes:
        episodes: number of completed episodes.
        won: number of won episodes.
        returns: sum of the returns.
        lengths: sum of the lengths, in steps.
        discarded: number of episodes lost in a game crash; they are not part of any other sum.

    Example:
        >>> Totals(1.0, 1.0, 2.0, 4.0).plus(Totals(1.0, 0.0, 1.0, 5.0)).means()["return_mean"]
        1.5
    """

    episodes: float = 0.0
    won: float = 0.0
    returns: float = 0.0
    lengths: float = 0.0
    discarded: float = 0.0

    def plus(self, other: Iterable[float]) -> Totals:
        """Return the sum of these and other totals."""
        return Totals(*map(add, self, other))

    def means(self) -> dict[str, float]:
        """Return number of episodes, success rate, mean return, mean length (NaN if none) and discarded episodes."""
        share = 1.0 / self.episodes if self.episodes else float("nan")
        return {
            "episodes": self.episodes,
            "success_rate": self.won * share,
            "return_mean": self.returns * share,
            "episode_length": self.lengths * share,
            "discarded": self.discarded,
        }


Step = tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], Infos]


class EpisodeStatistics(BaseParallelWrapper[str, Any, int], Freezable):  # type: ignore[misc]
    """Collects statistics of finished episodes: return, length, success. It changes nothing.

    The return is the mean over possible agents. An episode that ends with ``infos[agent]["crashed"]`` counts as
    discarded and is not part of any mean. Place this wrapper next to the environment, so that returns contain only the
    environment's rewards.

    Args:
        env: the environment.
        success: rule that identifies a won episode, see :data:`~isa_wrappers.border.success.SuccessRule`.

    Raises:
        UnsupportedEnvironmentError: if ``env`` is not a ``ParallelEnv``.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> env = EpisodeStatistics(make_parallel("grid/unlock", num_agents=1, targets=[(0, 1)]))
        >>> _ = env.reset(seed=0)
        >>> _ = env.step({"agent_0": 2})
        >>> env.take()
        {'episodes': 1.0, 'success_rate': 1.0, 'return_mean': 1.0, 'episode_length': 1.0, 'discarded': 0.0}
    """

    def __init__(self, env: Env, success: SuccessRule = "success") -> None:
        super().__init__(as_parallel(env))
        self._living = Living()
        self._over = False
        self._criterion = SuccessCriterion(success, len(self.env.possible_agents))
        self._totals = Totals()
        self._begin()

    def _begin(self) -> None:
        self._return = 0.0
        self._length = 0
        self._won = False

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], Infos]:
        """Start an episode; an unfinished one is dropped."""
        self._criterion.begin()
        self._begin()
        returned = reset_env(self.env, seed, options)
        check_reset(self.env, returned)
        self._living.begin(self.env.agents)
        self._over = False
        return returned  # type: ignore[no-any-return]

    def step(self, actions: dict[str, int]) -> Step:
        """Advance the environment and return its result unchanged.

        Raises:
            UnsupportedEnvironmentError: if rewards are not numbers, or the result is not five dicts by agent.
            NonFiniteError: if rewards are NaN or infinite.
        """
        step: Step = self.env.step(actions)
        try:
            self._add_step(step)
        except (AttributeError, TypeError, ValueError):
            check_step(self.env, step)
            raise
        return step

    def _add_step(self, step: Step) -> None:
        _, rewards, terminations, truncations, infos = step
        if self._over:  # all agents have ended, even if env.agents still lists some
            return
        self._over = over = not self._living.after(self.env.agents, terminations, truncations)
        self._length += 1
        rewards = plain_rewards(rewards, self._length)
        infos = {agent: {} if info is None else info for agent, info in (infos or {}).items()}
        self._return += fsum(rewards.values()) / len(self.env.possible_agents)
        self._won |= self._criterion.won(self.env, rewards, infos, over)
        if over and not self.frozen:
            counted = not any(has_crashed(info) for info in infos.values())
            finished = (counted, counted and self._won, counted * self._return, counted * self._length, not counted)
            self._totals = self._totals.plus(finished)

    def take(self) -> dict[str, float]:
        """Return number of episodes, success rate, mean return, mean length and discarded episodes, then reset them."""
        totals, self._totals = self._totals, Totals()
        return totals.means()
