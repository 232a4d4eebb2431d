"""Read and check the steps of a custom batched environment, like the border does for single environments."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from isa_wrappers.arrays import Array, namespace, to_numpy
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.errors import NonFiniteError, UnsupportedEnvironmentError

NUMBERS = ("obs", "final_obs", "state", "final_state", "reward")
"""Fields with finite numbers; all others are flags."""
MAY_BE_NONE = ("discarded", "cut", "bonus")
FINAL = ("obs", "state", "alive")
"""Fields with a ``final_`` counterpart, from before an automatic reset."""
WIDE = ("float64", "int32", "int64", "uint32", "uint64")
"""Dtypes of a state that float32 cannot represent."""
RESET = "at the reset"


class OwnSteps:
    """Reads the steps of a batched environment.

    Numbers of other dtypes become float32, flags of other dtypes become bool. A state may be float64; integers of 32 or
    64 bits in it become float64, rounded beyond 2^53.

    Args:
        env: the environment.
        name: name of its task, for messages.
    """

    def __init__(self, env: BatchEnv, name: str) -> None:
        self._env = env
        self._name = name
        envs, agents = env.num_envs, len(env.agents)
        team_shape = (envs, agents)
        state_shape = (envs, env.state_size)
        obs_shape = (envs, agents, env.obs_size)
        self._shapes: dict[str, tuple[int, ...]] = {
            **dict.fromkeys(("obs", "final_obs"), obs_shape),
            **dict.fromkeys(("state", "final_state"), state_shape),
            **dict.fromkeys(("alive", "reward", "final_alive", "cut", "bonus"), team_shape),
            **dict.fromkeys(("terminated", "truncated", "success", "discarded"), (envs,)),
            "available": (envs, agents, max(env.num_actions)),
        }
        self._has_action: Array = None

    def __call__(self, result: Any, where: str, values: bool) -> BatchStep:
        """Return the result of a reset or a step with the dtypes of a :class:`BatchStep`.

        Args:
            result: the result.
            where: :data:`RESET` or another time, for messages.
            values: whether to check numbers and flags too, which makes the host wait for a device.

        Raises:
            UnsupportedEnvironmentError: if a field is invalid; the message names it and what is required.
            NonFiniteError: if a field contains NaN or infinity.
        """
        if not isinstance(result, BatchStep):
            raise UnsupportedEnvironmentError(
                f"task {self._name!r} must return a BatchStep {where}, got {type(result).__name__}"
            )
        converted = {}
        for field in fields(BatchStep):
            array = getattr(result, field.name)
            if array is None and field.name in MAY_BE_NONE:
                continue
            self._check_array(field.name, array, where)
            dtype = self._dtype_of(field.name, array)
            if array.dtype != dtype:
                self._check_type(field.name, array, where)
                if values and dtype == namespace(array).bool:
                    self._check_flags(field.name, array, where)
                with np.errstate(over="ignore"):  # overflow becomes infinity, which is found later
                    converted[field.name] = (
                        array != 0 if dtype == namespace(array).bool else namespace(array).astype(array, dtype)
                    )
        step = replace(result, **converted) if converted else result
        if values:
            self._check_values(step, result, where)
        return step

    def _dtype_of(self, field: str, array: Array) -> Any:
        xp = namespace(array)
        if field in ("state", "final_state") and str(array.dtype).removeprefix("torch.") in WIDE:
            return xp.float64
        return xp.float32 if field in (*NUMBERS, "bonus") else xp.bool

    def _check_array(self, field: str, array: Any, where: str) -> None:
        shape, required = self._shapes[field], required_array(self._env.device, array)
        if required or tuple(array.shape) != shape:
            actual = f"{type(array).__name__} {list(getattr(array, 'shape', ()))}"
            raise UnsupportedEnvironmentError(
                f"{field} of task {self._name!r} {where} must be {required or 'an array'} {list(shape)}, got {actual}"
            )

    def _check_type(self, field: str, array: Array, where: str) -> None:
        """Refuse text, objects and complex numbers, which NumPy would convert or fail on."""
        dtype = str(array.dtype).removeprefix("torch.")
        if not dtype.startswith(("bool", "int", "uint", "float", "bfloat")):
            raise UnsupportedEnvironmentError(
                f"{field} of task {self._name!r} {where} must contain real numbers, got an array of {dtype}"
            )

    def _check_flags(self, field: str, array: Array, where: str) -> None:
        if bool((array != array).any()):
            raise NonFiniteError(f"{field} of task {self._name!r} {where} must be true or false, got NaN")

    def _check_values(self, step: BatchStep, returned: BatchStep, where: str) -> None:
        for field in NUMBERS if step.bonus is None else (*NUMBERS, "bonus"):
            values = getattr(step, field)
            xp = namespace(values)
            if not bool(xp.isfinite(values.sum())) and not bool(xp.isfinite(values).all()):
                raise NonFiniteError(
                    f"{field} of task {self._name!r} {where} must be finite: {self._first_not_finite(field, values)}"
                )
        xp = namespace(step.available)
        if self._has_action is None:
            has_action = np.arange(max(self._env.num_actions)) < np.array(self._env.num_actions)[:, None]
            self._has_action = (
                xp.asarray(has_action, device=self._env.device) if self._env.device is not None else has_action
            )
        self._refuse_agent(
            (step.available & ~self._has_action).any(-1), where, "has a mask that allows an action it does not have"
        )
        self._refuse_agent(step.alive & ~step.available.any(-1), where, "acts next but has no available action")
        self._refuse_copy(step.terminated & step.truncated, where, "the episode is both terminated and truncated")
        self._check_ends(step, returned, where)

    def _check_ends(self, step: BatchStep, returned: BatchStep, where: str) -> None:
        """Check the fields about episodes that ended, and about those that did not."""
        done = step.done
        if where == RESET:
            self._refuse_copy(done, where, "the episode ends before any agent has acted")
        if step.discarded is not None:
            self._refuse_copy(step.discarded & ~done, where, "discarded, but no episode ended; set truncated too")
        for field in FINAL:
            current, final = getattr(step, field), getattr(step, "final_" + field)
            if current is not final:
                xp = namespace(current)
                differs = xp.any(current != final, axis=tuple(range(1, current.ndim))) & ~done
                if bool(differs.any()):
                    self._refuse_copy(differs, where, _final_difference(field, returned))

    def _first_not_finite(self, field: str, values: Array) -> str:
        """Describe the position and value of the first NaN or infinity."""
        numbers = to_numpy(values)
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(numbers))[0])
        dimension_names = self._env.state_names if field in ("state", "final_state") else ()
        if len(dimension_names) > index[-1]:
            return f"environment {index[0]}, dimension {index[-1]} ({dimension_names[index[-1]]}) is {numbers[index]}"
        names = ("dimension {}",) if field in ("state", "final_state") else ("agent {}", "element {}")
        coordinates = [
            name.format(repr(self._env.agents[i]) if name == "agent {}" else i)
            for name, i in zip(names, index[1:], strict=False)
        ]
        return f"environment {index[0]}, {', '.join(coordinates)} is {numbers[index]}"

    def _refuse_agent(self, wrong: Array, where: str, problem: str) -> None:
        if bool(wrong.any()):
            i = int(namespace(wrong).nonzero(wrong)[1][0])
            self._refuse_copy(wrong.any(-1), where, f"agent {self._env.agents[i]!r} {problem}")

    def _refuse_copy(self, wrong: Array, where: str, problem: str) -> None:
        if bool(wrong.any()):
            b = int(namespace(wrong).nonzero(wrong)[0][0])
            raise UnsupportedEnvironmentError(f"task {self._name!r} {where}, environment {b}: {problem}")


def required_array(device: str | None, array: Any) -> str:
    """Return the kind of array that a device requires if ``array`` is of another kind, else an empty text.

    Example:
        >>> required_array(None, [1.0]), required_array(None, np.zeros(1)), required_array("cpu", np.zeros(1))
        ('a NumPy array', '', "a torch tensor on 'cpu'")
    """
    if device is None:
        return "" if isinstance(array, np.ndarray) else "a NumPy array"
    is_right = hasattr(array, "detach") and array.device.type == str(device).partition(":")[0]
    return "" if is_right else f"a torch tensor on {str(device)!r}"


def _final_difference(field: str, step: BatchStep) -> str:
    """Describe a difference between a field and its final one; with different dtypes, it may be rounding."""
    message = f"final_{field} must equal {field} if no episode ended"
    final_dtype, dtype = (str(getattr(step, name).dtype).removeprefix("torch.") for name in (f"final_{field}", field))
    return (
        message
        if final_dtype == dtype
        else f"{message}; it is {final_dtype} but {field} is {dtype}, use the same dtype for both"
    )
