"""Episode statistics of a batched environment."""

from __future__ import annotations

from isa_wrappers.arrays import Array, backend, known_empty, namespace, to_numpy, with_prefix, without_prefix
from isa_wrappers.batch.protocol import BatchEnv, BatchStep, check_copies
from isa_wrappers.batch.wrapper import BatchWrapper, starts_afresh
from isa_wrappers.border.layers import Freezable
from isa_wrappers.errors import with_mismatch_error
from isa_wrappers.wrappers.checks import checked_reset
from isa_wrappers.wrappers.episode_statistics import Totals


class EpisodeStatistics(BatchWrapper, Freezable):
    """Collects statistics of finished episodes: return, length, success. It changes nothing.

    The return is the mean over agents. Discarded episodes are counted but not part of any mean. Place this wrapper next
    to the environment, so that returns contain only the environment's rewards.

    Args:
        env: the environment.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.envs import make_batch
        >>> env = EpisodeStatistics(make_batch("grid/unlock", 2, num_agents=1, targets=[(0, 1)]))
        >>> _ = env.reset(seed=0)
        >>> _ = env.step(np.array([[2], [0]]))
        >>> env.take()
        {'episodes': 1.0, 'success_rate': 1.0, 'return_mean': 1.0, 'episode_length': 1.0, 'discarded': 0.0}
    """

    def __init__(self, env: BatchEnv) -> None:
        super().__init__(env)
        xp = backend(self.device)
        self._return = xp.zeros(self.num_envs, dtype=xp.float32, device=self.device)
        self._length = xp.zeros(self.num_envs, dtype=xp.float32, device=self.device)
        self._won = xp.zeros(self.num_envs, dtype=xp.bool, device=self.device)
        self._totals = xp.zeros(len(Totals()), dtype=xp.float64, device=self.device)

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start a new episode in every copy; unfinished episodes are dropped."""
        self._drop_episodes()
        return checked_reset(self.env, self.env.reset(seed))

    def _drop_episodes(self) -> None:
        self._return, self._length = self._return * 0, self._length * 0
        self._won = self._won & False

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy."""
        step = self.env.step(actions)
        xp = namespace(step.reward)
        self._return = self._return + xp.mean(step.reward, axis=-1)
        self._length = self._length + 1
        self._won = self._won | step.success  # success in several steps of one episode counts once
        over = step.done
        if self.frozen or known_empty(over):
            return step
        done = xp.astype(over, xp.float32)
        counted = step.finished
        ended = xp.astype(counted, xp.float32)
        won = xp.astype(self._won & counted, xp.float32)
        finished = xp.stack([ended, won, ended * self._return, ended * self._length, done - ended])
        self._totals = self._totals + xp.astype(xp.sum(finished, axis=-1), xp.float64)
        self._return, self._length = self._return * (1 - done), self._length * (1 - done)
        self._won = self._won & ~over
        return step

    def take(self) -> dict[str, float]:
        """Return number of episodes, success rate, mean return, mean length and discarded episodes, then reset them."""
        statistics = self.so_far()
        self._totals = self._totals * 0
        return statistics

    def so_far(self) -> dict[str, float]:
        """Return the same as :meth:`take`, without a reset."""
        return self.totals().means()

    def totals(self) -> Totals:
        """Return the sums behind the means."""
        return Totals(*to_numpy(self._totals).tolist())

    def won_any(self) -> bool:
        """Return whether an episode, finished or not, was won since the last call of :meth:`take`."""
        return bool(self._won.any()) or self.totals().won > 0

    def state_dict(self) -> dict[str, Array]:
        """Return the inner state, unfinished episodes and totals."""
        saved = {"return": self._return, "length": self._length, "won": self._won, "totals": self._totals}
        return with_prefix("env", self.env.state_dict()) | saved

    @with_mismatch_error
    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore what :meth:`state_dict` returned; unfinished episodes are dropped if the copies start new ones.

        Raises:
            ScopeMismatchError: if it belongs to another stack of wrappers.
        """
        xp = backend(self.device)
        check_copies(state["won"], self.num_envs)
        self._return, self._length, self._won, self._totals = (
            xp.asarray(state[key], device=self.device) for key in ("return", "length", "won", "totals")
        )
        step = self.env.load_state_dict(without_prefix("env", state))
        if starts_afresh(self.env):
            self._drop_episodes()
        return step
