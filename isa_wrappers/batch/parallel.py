"""Any PettingZoo ``ParallelEnv`` as a batched environment, in this process or in worker processes."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from isa_wrappers.arrays import ENV_SEEDS, Array, backend, stream_seed, to_numpy
from isa_wrappers.batch.columns import padded
from isa_wrappers.batch.copies import Copies, LocalCopies, Rows
from isa_wrappers.batch.protocol import BatchStep
from isa_wrappers.batch.workers import WorkerCopies
from isa_wrappers.blame import ErrorSource
from isa_wrappers.border.spaces import StateFallback
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.checks import check_finite
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError, check_int

SAVED_BY_WRAPPERS = ("env", "reward", "start", "won", "episodes", "goal", "return", "length", "totals")
"""Key prefixes of states saved by ISA wrappers, which copies of a PettingZoo environment cannot load."""


class ParallelEnvBatch:
    """Copies of a ``ParallelEnv`` stepped together; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    Observations are flattened to float32 and padded with zeros to the longest; Discrete observations become one-hot;
    an ``action_mask`` is read from a Dict observation or from ``infos[agent]``. Actions beyond an agent's own number
    are unavailable. If all action spaces are ``Discrete``, a step takes ``[B, A]`` integers; if some are ``Box``,
    ``MultiDiscrete`` or ``MultiBinary``, it takes ``[B, A, d]`` numbers, see :attr:`action_code`. An episode ends when
    no agent is left; it counts as truncated unless the last step terminated all agents that acted. Dead agents observe
    zeros.

    With ``workers``, the copies run in worker processes. A worker that dies or does not answer within ``timeout``
    seconds is killed with its child processes and replaced, with all its copies; their episodes end as truncated and
    discarded, with the last observation.

    Args:
        envs: at least one environment, all alike; with ``workers``, functions that create one, which cloudpickle sends
            to the processes.
        device: ``None`` for NumPy, else a torch device.
        state_fallback: replacement for a missing ``state()``: ``"observations"`` concatenates the observations, a
            function maps the environment to a vector, ``None`` raises an error.
        success: rule that identifies a won episode, see :data:`~isa_wrappers.border.success.SuccessRule`.
        workers: number of processes that step the copies, which are split among them evenly and in order; ``True`` for
            one process per copy, 0 for this process.
        timeout: seconds that a worker may take for one reset or step of its copies; ``None`` disables the limit.
        owned: whether the environments belong to this batch, so that they are closed with it, when it is
            garbage-collected, and at the end of the process. (Environments in workers always are.)

    Attributes:
        action_code: encoding of structured actions; ``None`` if all are ``Discrete``.
        discarded: number of episodes lost so far because their worker died or hung, or they ended with
            ``infos[agent]["crashed"]``.

    Raises:
        InvalidValueError: if there are no environments, one occurs twice, or with workers, one is not a function.
        UnsupportedEnvironmentError: if an action space is not supported, an environment is not a ParallelEnv, or
            ``state()`` is missing.
        WorkerError: if workers do not start.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.envs import make_parallel
        >>> batch = ParallelEnvBatch([make_parallel("grid/unlock", num_agents=1) for _ in range(3)])
        >>> batch.reset(seed=0).obs.shape, batch.step(np.zeros((3, 1))).reward.tolist()
        ((3, 1, 4), [[0.0], [0.0], [0.0]])
    """

    def __init__(
        self,
        envs: Sequence[Any],
        device: str | None = None,
        state_fallback: StateFallback = None,
        success: SuccessRule = "success",
        workers: int = 0,
        timeout: float | None = None,
        owned: bool = False,
    ) -> None:
        if not envs:
            raise InvalidValueError("num_envs must be an integer at least 1, got 0")
        processes = len(envs) if workers is True else check_int("workers", workers or 0, 0)
        self._copies: Copies = (
            WorkerCopies(envs, state_fallback, success, timeout, processes)
            if processes
            else LocalCopies(envs, state_fallback, success)
        )
        # Called once: by the caller, the garbage collector or the end of the process, whichever comes first.
        self._close = weakref.finalize(self, self._copies.close) if owned else self._copies.close
        spec = self._copies.spec
        self.num_envs = len(envs)
        self.agents = spec.agents
        self.num_actions = spec.num_actions
        self.obs_size = spec.obs_size
        self.state_size = spec.state_size
        self.state_names = spec.state_names
        self.action_names = spec.action_names
        self.horizon = spec.horizon
        self.action_code = spec.action_code
        self.obs_columns = padded(spec.obs_sizes, spec.obs_size)
        self.device = device
        self.discarded = 0
        self._time = 0

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start a new episode in every copy; the first uses ``seed``, the others use seeds derived from it."""
        self._time = 0
        return self._pack(self._copies.reset([_seed_of(seed, b) for b in range(self.num_envs)]))

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy by ``actions`` ``[B, A]`` or ``[B, A, d]``; finished copies start their next episode."""
        self._time += 1
        return self._pack(self._copies.step(to_numpy(actions).tolist()))

    def state_dict(self) -> dict[str, Array]:
        """Return nothing: PettingZoo environments cannot save their state."""
        return {}

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Start a new episode in every copy, since PettingZoo environments cannot resume from a saved state.

        Raises:
            ScopeMismatchError: if the state contains parts that ISA wrappers save.
        """
        if others := [key for key in state if key.partition(".")[0] in SAVED_BY_WRAPPERS]:
            raise ScopeMismatchError(
                f"the saved state does not fit this ParallelEnvBatch: it contains {others[0]!r}, but copies of a "
                "PettingZoo environment save nothing"
            )
        with ErrorSource("the environment"):
            return self.reset()

    def close(self) -> None:
        """Close every copy."""
        self._close()

    def _pack(self, batch: Rows) -> BatchStep:
        self.discarded += int(batch["discarded"].sum())
        for name, names in (("final_state", self.state_names), ("state", self.state_names), ("reward", self.agents)):
            check_finite(name.removeprefix("final_"), batch[name], self._time, names)
        if self.device is None:
            return BatchStep(**batch)
        xp = backend(self.device)
        return BatchStep(**{name: xp.asarray(value, device=self.device) for name, value in batch.items()})


def _seed_of(seed: int | None, copy: int) -> int | None:
    """Return the seed of a copy; copies of neighbouring seeds have different seeds."""
    return seed if seed is None or copy == 0 else stream_seed(seed, f"copy {copy}") % ENV_SEEDS
