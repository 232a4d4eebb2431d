"""Around a batched environment that is not ISA's: its steps are checked, its arrays watched for writes."""

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
"""Steps after which every array of earlier ones is compared again; later only those whose memory comes again. On a
device, the contents are read in these steps alone: the host would wait for them."""
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
        self._name = name
        self._looks_left = LOOKS
        self._steps = 0
        self._read = OwnSteps(env, name)
        self._recent: deque[dict[str, _Snapshot]] = deque(maxlen=KEPT)

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh."""
        self._steps = 0
        return self._checked(self.env.reset(seed), RESET)

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore a saved state."""
        return self._checked(self.env.load_state_dict(state), "after load_state_dict()")

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy.

        Raises:
            UnsupportedEnvironmentError: naming the array that was written into, or what is wrong with it.
            NonFiniteError: for NaN or infinity.
        """
        self._steps += 1
        return self._checked(self.env.step(actions), f"in step {self._steps}")

    def _checked(self, step: BatchStep, where: str) -> BatchStep:
        on_host = not str(self.device).startswith("cuda")
        checked = self._read(step, where, on_host or self._looks_left > 0)
        for snapshots in self._recent:
            for field, (array, _, copy) in snapshots.items():
                if copy is not None and not _is_unchanged(array, copy):
                    raise UnsupportedEnvironmentError(
                        f"task {self._name!r} wrote the next step into the array of {field} that it had handed over; "
                        "return a new array in every step, such as a copy"
                    )
        self._looks_left = max(self._looks_left - 1, 0)
        self._recent.append(
            {
                field: self._snapshot(field, array, on_host)
                for field in FIELDS
                if (array := getattr(step, field)) is not None
            }
        )
        return checked

    def _snapshot(self, field: str, array: Array, on_host: bool) -> _Snapshot:
        """Hold an array, with a copy where it may be written into: in the first steps, and once its memory comes again.

        While an array is held nothing else can lie at its address.
        """
        address = _address(array)
        is_reused = on_host and any(
            field in snapshots and snapshots[field].address == address for snapshots in self._recent
        )
        copy = namespace(array).asarray(array, copy=True) if self._looks_left or is_reused else None
        return _Snapshot(array, address, copy)


class _Snapshot(NamedTuple):
    """An array that was handed over, where it begins in memory, and what it held then if that is to be compared."""

    array: Array
    address: int
    copy: Array | None


FIELDS = tuple(field.name for field in fields(BatchStep))


def as_made(env: BatchEnv) -> BatchEnv:
    """Return the environment as its factory made it, which may have more members, such as ``render``."""
    return env.env if isinstance(env, OwnArrays) else env


def guarded(env: BatchEnv) -> BatchEnv:
    """Return a batched environment whose steps are checked, unless the environment is ISA's own.

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


def _is_unchanged(array: Array, copy: Array) -> bool:
    return bool(namespace(copy).all((array == copy) | (copy != copy)))  # NaN is no change


def _address(array: Array) -> int:
    """Return where an array begins in memory."""
    address: int = array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data_ptr()
    return address
