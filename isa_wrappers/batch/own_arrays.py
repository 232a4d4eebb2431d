"""What is between a batched environment of somebody's own and all else: its steps are checked, its arrays watched."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

import numpy as np

from isa_wrappers.arrays import Array, namespace
from isa_wrappers.batch.own_steps import OwnSteps
from isa_wrappers.batch.protocol import BatchEnv, BatchStep, BatchWrapper
from isa_wrappers.errors import UnsupportedEnvironmentError

LOOKS = 3
"""Steps after which every array of the one before is looked at again; later those alone that come again. On a device,
what is in them is looked at in these steps alone: the host would wait for it."""


class OwnArrays(BatchWrapper):
    """Reads an environment's steps (:class:`OwnSteps`) and refuses what comes next in the arrays of the step before.

    Learners and wrappers keep a rollout's arrays: all its steps would hold the last one's numbers, without an error.

    Args:
        env: the environment.
        name: of its task, for the message.
    """

    def __init__(self, env: BatchEnv, name: str) -> None:
        super().__init__(env)
        self._name, self._left, self._steps = name, LOOKS, 0
        self._read = OwnSteps(env, name)
        self._given: dict[str, tuple[Array, Array]] = {}

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh."""
        self._steps = 0
        return self._looked_at(self.env.reset(seed))

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore a saved state."""
        return self._looked_at(self.env.load_state_dict(state))

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy.

        Raises:
            UnsupportedEnvironmentError: naming the array that was written into, or what is wrong with it.
            NonFiniteError: for NaN or infinity.
        """
        self._steps += 1
        return self._looked_at(self.env.step(actions))

    def _looked_at(self, said: BatchStep) -> BatchStep:
        on_host = not str(self.device).startswith("cuda")
        step = self._read(said, self._steps, on_host or self._left > 0)
        for field, (array, copy) in self._given.items():
            xp = namespace(copy)
            if not bool(xp.all((array == copy) | (copy != copy))):  # NaN is no change
                raise UnsupportedEnvironmentError(
                    f"task {self._name!r} wrote the next step into the array of {field} that it had handed over; "
                    "return a new array in every step, such as a copy"
                )
        self._left = max(self._left - 1, 0)
        given = _copies(said, None if self._left else self._given if on_host else ())
        if not self._left:  # whoever hands over the same memory once more may write into it later
            given = {name: one for name, one in given.items() if _is_same(one[0], self._given.get(name, (None,))[0])}
        self._given = given
        return step


def as_made(env: BatchEnv) -> BatchEnv:
    """Return what a factory made, for what it may have beside a batched environment's members, such as ``render``."""
    return env.env if isinstance(env, OwnArrays) else env


def _is_same(array: Array, before: Array | None) -> bool:
    """Tell whether two arrays, both alive, begin at one place in memory."""
    return before is not None and _place(array) == _place(before)


def _place(array: Array) -> int:
    place: int = array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data_ptr()
    return place


def _copies(step: BatchStep, names: Collection[str] | None) -> dict[str, tuple[Array, Array]]:
    """Return each array of a step, or those of these names, and what it holds now."""
    names = [field.name for field in fields(BatchStep)] if names is None else names
    given: dict[str, Any] = {name: getattr(step, name) for name in names}
    return {
        name: (array, namespace(array).asarray(array, copy=True)) for name, array in given.items() if array is not None
    }
