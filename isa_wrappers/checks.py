"""Checks of the arguments of public functions; checks in every step only inspect shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, namespace
from isa_wrappers.errors import InvalidValueError, NonFiniteError, check_int, shown

LARGEST_STATE = 10**7
"""Maximum number of dimensions of a state."""


def check_sequence(name: str, value: Any) -> list[Any]:
    """Return a list, tuple or array as a list.

    Raises:
        InvalidValueError: for anything else, including text.
    """
    value = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise InvalidValueError(f"{name} must be a list, got {shown(value)}")
    return list(value)


def check_agents(agents: Any) -> tuple[Any, ...]:
    """Return the distinct names of at least one agent.

    Raises:
        InvalidValueError: if there are none, a name occurs twice, or a value is not a valid name.
    """
    names = tuple(check_sequence("agents", agents))
    if not names:
        raise InvalidValueError("agents must name at least one agent, got none")
    try:
        num_distinct = len(set(names))
    except TypeError:
        raise InvalidValueError(f"agents must be names, got {shown(names)}") from None
    if num_distinct < len(names):
        raise InvalidValueError(f"agents must have different names, got {shown(list(names))}")
    return names


def check_state_size(size: int) -> None:
    """Check that the state has at least one dimension.

    Raises:
        InvalidValueError: if it has none.
    """
    if size == 0:
        raise InvalidValueError("the state must have at least one dimension, got none")


def check_counts(name: str, values: Any, low: int = 0, high: int | None = None) -> tuple[int, ...]:
    """Return a list of integers as a tuple of ``int``.

    Raises:
        InvalidValueError: if a value is not an integer in range; the message names the first.
    """
    return tuple(check_int(name, value, low, high) for value in check_sequence(name, values))


def check_dimensions(name: str, values: Any, size: int | None = None) -> list[int]:
    """Return dimensions of a state of length ``size`` as ``int``; negative indices are not valid.

    Raises:
        InvalidValueError: if a value is not a dimension; the message names the first.
    """
    largest = (LARGEST_STATE if size is None else size) - 1
    return [check_int(name, value, 0, largest) for value in check_sequence(name, values)]


def check_numbers(name: str, values: Any) -> npt.NDArray[np.float64]:
    """Return numbers of any shape as float64.

    Raises:
        InvalidValueError: if they are not numbers.
    """
    return _numbers(name, values).astype(np.float64)


def check_flags(name: str, values: Any) -> npt.NDArray[np.bool_]:
    """Return truth values of any shape; numbers other than 0 count as True.

    Raises:
        InvalidValueError: for anything else, including text and NaN.

    Example:
        >>> check_flags("ends", [0, 1.0]).tolist()
        [False, True]
    """
    numbers = _numbers(name, values)
    if np.isnan(numbers).any():
        raise InvalidValueError(f"{name} must be true or false, got NaN")
    return numbers.astype(bool)


def check_floats(name: str, values: Any) -> npt.NDArray[np.floating[Any]]:
    """Return numbers of any shape as float32 if they are floats with at most 32 bits, else as float64.

    Raises:
        InvalidValueError: if they are not numbers.

    Example:
        >>> [check_floats("states", np.zeros(1, kind)).dtype.name for kind in ("float16", "float32", "float64", "int8")]
        ['float32', 'float32', 'float64', 'float64']
    """
    array = _numbers(name, values)
    return array.astype(np.float32 if array.dtype.kind == "f" and array.dtype.itemsize < 8 else np.float64)


def _numbers(name: str, values: Any) -> npt.NDArray[Any]:
    """Return a new array of the numbers, with their dtype."""
    try:
        array = np.array(values.detach().cpu().numpy() if hasattr(values, "detach") else values)
        if array.dtype.kind == "O" and all(
            isinstance(element, bool | int | float | np.bool_) for element in array.flat
        ):
            array = array.astype(np.float64)
        if array.dtype.kind in "biuf":
            return array
    except (TypeError, ValueError, OverflowError, RuntimeError):
        pass
    raise InvalidValueError(f"{name} must be an array of numbers, got {shown(values)}")


def check_array(name: str, value: Any, *shape: int | None) -> None:
    """Check that ``value`` is an array of this shape; ``None`` stands for an axis of any length.

    Raises:
        InvalidValueError: if it is not; the message names both shapes.

    Example:
        >>> check_array("goal", np.zeros((2, 3)), None, 4)
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: goal must be an array of shape [any, 4], got [2, 3]
    """
    got_shape: tuple[int, ...] | None = getattr(value, "shape", None)
    fits = got_shape is not None and len(got_shape) == len(shape)
    if not fits or any(expected not in (None, length) for expected, length in zip(shape, got_shape or (), strict=True)):
        raise InvalidValueError(f"{name} must be an array of shape {_shape(shape)}, got {_shape_or_value(value)}")


def check_last(name: str, value: Any, size: int) -> None:
    """Check that ``value`` is an array whose last axis has this length.

    Raises:
        InvalidValueError: if it is not; the message names both.
    """
    got_shape: tuple[int, ...] = tuple(getattr(value, "shape", ()))
    if got_shape[-1:] != (size,):
        raise InvalidValueError(f"{name} must be an array of shape [..., {size}], got {_shape_or_value(value)}")


def check_transition(transition: Any, team: int, size: int, needs: Sequence[str]) -> None:
    """Check that the required parts of a transition match: states ``[..., K]``, the others ``[..., A]``.

    Args:
        transition: a :class:`~isa_wrappers.rewards.transition.Transition`.
        team: number of agents, A.
        size: length of the state, K.
        needs: required fields among ``s_t``, ``s_tp1`` and ``goal``.

    Raises:
        InvalidValueError: if a part does not match; the message names the first.
    """
    alive: Any = getattr(transition, "alive", None)
    check_last("alive", alive, team)
    team_shape = alive.shape
    state_shape = (*team_shape[:-1], size)
    if getattr(transition.reward, "shape", None) != team_shape:
        check_array("reward", transition.reward, *team_shape)
    actions_shape = getattr(transition.actions, "shape", None)
    # One action per agent, or one elementary action per component.
    if actions_shape != team_shape and (actions_shape is None or actions_shape[:-1] != team_shape):
        check_array("actions", transition.actions, *team_shape)
    for name in needs:
        if getattr(getattr(transition, name), "shape", None) != state_shape:
            check_array(name, getattr(transition, name), *state_shape)


def check_actions(actions: Array, alive: Array, most: npt.NDArray[np.int64]) -> None:
    """Check that each acting agent has its action, for NumPy arrays; negative actions are not valid.

    Actions are ``[..., A]``, or elementary actions ``[..., A, d]``.

    Actions on a torch device are not checked, since reading them would make the host wait in every step.

    Raises:
        InvalidValueError: if an action is not valid; the message names the first.
    """
    if not isinstance(actions, np.ndarray):
        return
    if actions.dtype.kind not in "iu":
        raise InvalidValueError(f"actions must be integers, got {shown(actions)}")
    if actions.ndim > alive.ndim:
        alive, most = alive[..., None], most[:, None]
    wrong = ((actions < 0) | (actions >= most)) & alive
    if wrong.any():
        place = tuple(int(index[0]) for index in np.nonzero(wrong))
        agent = place[alive.ndim - most.ndim]
        raise InvalidValueError(
            f"action of agent {agent} must be from 0 to {int(most[agent].item()) - 1}, got {int(actions[place])}"
        )


def check_states_finite(name: str, states: Array) -> None:
    """Check that states on the host contain neither NaN nor infinity.

    Raises:
        NonFiniteError: if they do.
    """
    if isinstance(states, np.ndarray) and not np.isfinite(states).all():
        raise NonFiniteError(f"{name} must be finite, got {shown(states)}")


def _shape(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('any' if length is None else str(length) for length in shape)}]"


def _shape_or_value(value: Any) -> str:
    return str(list(value.shape)) if hasattr(value, "shape") else shown(value)


def check_finite(what: str, values: Array, step: int, names: tuple[str, ...] = ()) -> None:
    """Check that ``values`` ``[B, ...]`` contain neither NaN nor infinity.

    Raises:
        NonFiniteError: if they do; the message names environment, step and dimension of the first one.
    """
    xp = namespace(values)
    finite = xp.isfinite(values)
    if bool(xp.all(finite)):
        return
    env, *rest = (int(index[0]) for index in xp.nonzero(~finite))
    place = rest[-1] if rest else 0
    name = f" ({names[place]})" if names else ""
    index = (env, *rest)
    value = float(values[index])
    raise NonFiniteError(f"{what} must be finite: environment {env}, step {step}, dimension {place}{name} is {value}")
