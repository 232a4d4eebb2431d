"""Whether a batched environment of somebody's own hands over arrays of its own in every step."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from isa_wrappers.arrays import Array, namespace
from isa_wrappers.batch.protocol import BatchEnv, BatchStep, BatchWrapper
from isa_wrappers.errors import UnsupportedEnvironmentError

LOOKS = 3
"""Steps after which the one before is looked at again."""


class OwnArrays(BatchWrapper):
    """Refuses an environment that writes what comes next into the arrays of the step before.

    Learners and wrappers keep a rollout's arrays: all its steps would hold the last one's numbers, without an error.

    Args:
        env: the environment.
        name: of its task, for the message.
    """

    def __init__(self, env: BatchEnv, name: str) -> None:
        super().__init__(env)
        self._name, self._left = name, LOOKS
        self._given: dict[str, tuple[Array, Array]] = {}

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh."""
        return self._looked_at(self.env.reset(seed))

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy.

        Raises:
            UnsupportedEnvironmentError: naming the array that was written into.
        """
        step = self.env.step(actions)
        return self._looked_at(step) if self._left else step

    def _looked_at(self, step: BatchStep) -> BatchStep:
        for field, (array, copy) in self._given.items():
            xp = namespace(copy)
            if not bool(xp.all((array == copy) | (copy != copy))):  # NaN is no change
                raise UnsupportedEnvironmentError(
                    f"task {self._name!r} wrote the next step into the array of {field} that it had handed over; "
                    "return a new array in every step, such as a copy"
                )
        self._left = max(self._left - 1, 0)
        self._given = _copies(step) if self._left else {}
        return step


def as_made(env: BatchEnv) -> BatchEnv:
    """Return what a factory made, for what it may have beside a batched environment's members, such as ``render``."""
    return env.env if isinstance(env, OwnArrays) else env


def _copies(step: BatchStep) -> dict[str, tuple[Array, Array]]:
    """Return each array of a step, and what it holds now."""
    given: dict[str, Any] = {field.name: getattr(step, field.name) for field in fields(BatchStep)}
    return {
        name: (array, namespace(array).asarray(array, copy=True)) for name, array in given.items() if array is not None
    }
