"""Check the steps of a custom batched environment, and detect writes to arrays of earlier steps."""

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

NUM_CHECKED_STEPS = 3
"""Number of first steps in which all arrays of earlier steps are compared; later, only arrays with reused memory are.
On a device, contents are read only in these steps, since reading makes the host wait."""
NUM_KEPT_STEPS = 3
"""Number of steps whose arrays are kept: memory that recurs among them was overwritten or has constant content."""


class OwnArrays(BatchWrapper):
    """Reads the steps of an environment (:class:`OwnSteps`) and refuses steps that reuse the arrays of earlier ones.

    Learners and wrappers keep the arrays of a rollout; if arrays were reused, all its steps would silently contain the
    numbers of the last one.

    Args:
        env: the environment.
        name: name of its task, for messages.
    """

    def __init__(self, env: BatchEnv, name: str) -> None:
        super().__init__(env)
        self._name = name
        self._checks_left = NUM_CHECKED_STEPS
        self._steps = 0
        self._read = OwnSteps(env, name)
        self._recent: deque[dict[str, _Snapshot]] = deque(maxlen=NUM_KEPT_STEPS)

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start a new episode in every copy."""
        self._steps = 0
        return self._checked(self.env.reset(seed), RESET)

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore a saved state."""
        return self._checked(self.env.load_state_dict(state), "after load_state_dict()")

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy.

        Raises:
            UnsupportedEnvironmentError: if an array was overwritten or is invalid; the message names it.
            NonFiniteError: if a number is NaN or infinite.
        """
        self._steps += 1
        return self._checked(self.env.step(actions), f"in step {self._steps}")

    def _checked(self, step: BatchStep, where: str) -> BatchStep:
        on_host = not str(self.device).startswith("cuda")
        checked = self._read(step, where, on_host or self._checks_left > 0)
        for snapshots in self._recent:
            for field, (array, _, copy) in snapshots.items():
                if copy is not None and not _is_unchanged(array, copy):
                    raise UnsupportedEnvironmentError(
                        f"task {self._name!r} wrote the next step to the array of {field} that it had returned before; "
                        "return a new array in every step, such as a copy"
                    )
        self._checks_left = max(self._checks_left - 1, 0)
        self._recent.append(
            {
                field: self._snapshot(field, array, on_host)
                for field in FIELDS
                if (array := getattr(step, field)) is not None
            }
        )
        return checked

    def _snapshot(self, field: str, array: Array, on_host: bool) -> _Snapshot:
        """Keep an array, with a copy if it may be overwritten: in the first steps, and if its memory recurs.

        While an array is kept, no other array can have its address.
        """
        address = _address(array)
        is_reused = on_host and any(
            field in snapshots and snapshots[field].address == address for snapshots in self._recent
        )
        copy = namespace(array).asarray(array, copy=True) if self._checks_left or is_reused else None
        return _Snapshot(array, address, copy)


class _Snapshot(NamedTuple):
    """A returned array, its memory address, and a copy of its content if it is to be compared."""

    array: Array
    address: int
    copy: Array | None


FIELDS = tuple(field.name for field in fields(BatchStep))


def without_checks(env: BatchEnv) -> BatchEnv:
    """Return the environment as created by its factory, which may have more members, such as ``render``."""
    return env.env if isinstance(env, OwnArrays) else env


def with_checked_steps(env: BatchEnv) -> BatchEnv:
    """Return a batched environment with checked steps, or an environment of ISA unchanged.

    Example:
        >>> from isa_wrappers.envs import make_batch
        >>> env = make_batch("grid/unlock", 1)
        >>> with_checked_steps(env) is env
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
    return bool(namespace(copy).all((array == copy) | (copy != copy)))  # NaN does not count as a change


def _address(array: Array) -> int:
    """Return the memory address of an array."""
    address: int = array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data_ptr()
    return address
