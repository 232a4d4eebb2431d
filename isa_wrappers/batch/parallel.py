"""Any PettingZoo ``ParallelEnv`` with discrete actions as a batched environment, in this process or in workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from isa_wrappers.arrays import Array, backend, to_numpy
from isa_wrappers.batch.env_copy import CopySpec, EnvCopy, Row
from isa_wrappers.batch.protocol import BatchStep, check_finite
from isa_wrappers.batch.workers import WorkerCopies
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.spaces import StateFallback
from isa_wrappers.success import SuccessRule


class Copies(Protocol):
    """Copies that are reset and stepped together."""

    spec: CopySpec

    def reset(self, seeds: Sequence[int | None]) -> list[Row]:
        """Start every copy afresh."""

    def step(self, actions: Sequence[Sequence[int]]) -> list[Row]:
        """Advance every copy."""

    def close(self) -> None:
        """Close every copy."""


class LocalCopies:
    """Copies stepped one after the other in this process."""

    def __init__(self, envs: Sequence[Any], fallback: StateFallback, success: SuccessRule) -> None:
        if len({id(env) for env in envs}) < len(envs):
            raise InvalidValueError(f"every copy must be an environment of its own; {envs[0]} is there more than once")
        first = EnvCopy(envs[0], fallback, success)
        self.spec = first.spec
        self._copies = [first, *(EnvCopy(env, fallback, success, first.spec) for env in envs[1:])]

    def reset(self, seeds: Sequence[int | None]) -> list[Row]:
        """Start every copy afresh."""
        return [copy.reset(seed) for copy, seed in zip(self._copies, seeds, strict=True)]

    def step(self, actions: Sequence[Sequence[int]]) -> list[Row]:
        """Advance every copy."""
        return [copy.step(joint) for copy, joint in zip(self._copies, actions, strict=True)]

    def close(self) -> None:
        """Close every copy."""
        for copy in self._copies:
            copy.close()


class ParallelEnvBatch:
    """Copies of a ``ParallelEnv`` stepped together; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    Observations are flattened to float32 and padded with zeros to the longest; Discrete observations become one-hot;
    an ``action_mask`` is read from a Dict observation or from ``infos[agent]``. Actions beyond an agent's own number
    are unavailable. A copy's episode ends when no agent is left; it counts as truncated unless the last step
    terminated all that acted. Dead agents observe zeros.

    With ``workers`` each copy runs in a process of its own. One that dies or stays silent for ``timeout`` seconds is
    killed with all it started and replaced; its episode then ends as truncated, with the last observation.

    Args:
        envs: at least one environment; all alike. With ``workers``, functions that make one: they are sent to the
            processes by cloudpickle.
        device: ``None`` for NumPy, else a torch device.
        state_fallback: what stands for ``state()`` where it is missing: ``"observations"`` concatenates them, a
            function maps the environment to a vector; ``None`` refuses.
        success: how a won episode is told, see :data:`~isa_wrappers.success.SuccessRule`.
        workers: step the copies in worker processes.
        timeout: seconds that a worker may take for one reset or step; ``None`` waits for ever.

    Attributes:
        discarded: episodes lost so far because their worker died or hung, or that ended with
            ``infos[agent]["crashed"]``.

    Raises:
        UnsupportedEnvironmentError: if actions are not Discrete, it is no ParallelEnv, or ``state()`` is missing.
        WorkerError: if workers do not start.
    """

    def __init__(
        self,
        envs: Sequence[Any],
        device: str | None = None,
        state_fallback: StateFallback = None,
        success: SuccessRule = "success",
        workers: bool = False,
        timeout: float | None = None,
    ) -> None:
        if not envs:
            raise InvalidValueError("num_envs must be a whole number at least 1, got 0")
        self._copies: Copies = (
            WorkerCopies(envs, state_fallback, success, timeout)
            if workers
            else LocalCopies(envs, state_fallback, success)
        )
        spec = self._copies.spec
        self.num_envs = len(envs)
        self.agents, self.num_actions = spec.agents, spec.num_actions
        self.obs_size, self.state_size = spec.obs_size, spec.state_size
        self.state_names, self.action_names = spec.state_names, spec.action_names
        self.horizon = spec.horizon
        self.device = device
        self.discarded = 0
        self._time = 0

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh; copy b is seeded with ``seed + b``."""
        self._time = 0
        return self._pack(self._copies.reset([None if seed is None else seed + b for b in range(self.num_envs)]))

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy by ``actions`` ``[B, A]``; finished copies start their next episode."""
        self._time += 1
        return self._pack(self._copies.step(to_numpy(actions).tolist()))

    def state_dict(self) -> dict[str, Array]:
        """Return nothing: PettingZoo environments cannot save their state."""
        return {}

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Start every copy afresh: PettingZoo environments cannot go on from a saved state."""
        return self.reset()

    def close(self) -> None:
        """Close every copy."""
        self._copies.close()

    def _pack(self, rows: list[Row]) -> BatchStep:
        batch = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        self.discarded += int(batch["discarded"].sum())
        for name, names in (("final_state", self.state_names), ("state", self.state_names), ("reward", self.agents)):
            check_finite(name.removeprefix("final_"), batch[name], self._time, names)
        if self.device is None:
            return BatchStep(**batch)
        xp = backend(self.device)
        return BatchStep(**{name: xp.asarray(value, device=self.device) for name, value in batch.items()})
