"""What is between a batched environment of somebody's own and all else: its steps are checked, its arrays watched."""

from __future__ import annotations

from collections import deque
from dataclasses import fields
from typing import NamedTuple

import numpy as np

from isa_wrappers.arrays import Array, namespace
from isa_wrappers.batch.own_steps import RESET, OwnSteps
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.batch.wrapper import BatchWrapper
from isa_wrappers.errors import UnsupportedEnvironmentError

LOOKS = 3
"""Steps after which every array of those before is looked at again; later those alone whose memory comes again. On a
device, what is in them is looked at in these steps alone: the host would wait for it."""
KEPT = 3
"""Steps whose arrays are held: memory that comes again among them was written into, or holds what never changes."""


class OwnArrays(BatchWrapper):
    """Reads an environment's steps (:class:`OwnSteps`) and refuses what comes next in the arrays of a step before.

    Learners and wrappers keep a rollout's arrays: all its steps would hold the last one's numbers, without an error.

    Args:
        env: the environment.
        name: of its task, for the message.
    """

    def __init__(self, env: BatchEnv, name: str) -> None:
        super().__init__(env)
        self._name, self._left, self._steps = name, LOOKS, 0
        self._read = OwnSteps(env, name)
        self._given: deque[dict[str, _Given]] = deque(maxlen=KEPT)

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh."""
        self._steps = 0
        return self._looked_at(self.env.reset(seed), RESET)

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore a saved state."""
        return self._looked_at(self.env.load_state_dict(state), "after load_state_dict()")

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy.

        Raises:
            UnsupportedEnvironmentError: naming the array that was written into, or what is wrong with it.
            NonFiniteError: for NaN or infinity.
        """
        self._steps += 1
        return self._looked_at(self.env.step(actions), f"in step {self._steps}")

    def _looked_at(self, said: BatchStep, where: str) -> BatchStep:
        on_host = not str(self.device).startswith("cuda")
        step = self._read(said, where, on_host or self._left > 0)
        for given in self._given:
            for field, (array, _, copy) in given.items():
                if copy is not None and not _is_as_before(array, copy):
                    raise UnsupportedEnvironmentError(
                        f"task {self._name!r} wrote the next step into the array of {field} that it had handed over; "
                        "return a new array in every step, such as a copy"
                    )
        self._left = max(self._left - 1, 0)
        self._given.append(
            {
                field: self._kept(field, array, on_host)
                for field in FIELDS
                if (array := getattr(said, field)) is not None
            }
        )
        return step

    def _kept(self, field: str, array: Array, on_host: bool) -> _Given:
        """Hold an array, with a copy where it may be written into: in the first steps, and once its memory comes again.

        While an array is held nothing else can lie at its place.
        """
        place = _place(array)
        again = on_host and any(field in given and given[field].place == place for given in self._given)
        copy = namespace(array).asarray(array, copy=True) if self._left or again else None
        return _Given(array, place, copy)


class _Given(NamedTuple):
    """An array that was handed over, where it begins in memory, and what it held then if that is to be compared."""

    array: Array
    place: int
    copy: Array | None


FIELDS = tuple(field.name for field in fields(BatchStep))


def as_made(env: BatchEnv) -> BatchEnv:
    """Return what a factory made, for what it may have beside a batched environment's members, such as ``render``."""
    return env.env if isinstance(env, OwnArrays) else env


def guarded(env: BatchEnv) -> BatchEnv:
    """Return a batched environment whose steps are checked where anybody but ISA made them.

    Example:
        >>> from isa_wrappers.envs import make_batch
        >>> env = make_batch("grid/unlock", 1)
        >>> guarded(env) is env
        True
    """
    layer = env
    while not isinstance(layer, OwnArrays):
        if type(layer).__module__.partition(".")[0] not in ("isa_wrappers", "isa_learners"):
            return OwnArrays(env, type(layer).__name__)
        if not isinstance(layer, BatchWrapper):
            break
        layer = layer.env
    return env


def _is_as_before(array: Array, copy: Array) -> bool:
    return bool(namespace(copy).all((array == copy) | (copy != copy)))  # NaN is no change


def _place(array: Array) -> int:
    """Return where an array begins in memory."""
    place: int = array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data_ptr()
    return place
