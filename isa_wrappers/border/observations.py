"""Check observations against their spaces: size, finite numbers, and codes in range."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.arrays import to_numpy
from isa_wrappers.errors import NonFiniteError

LARGEST = float(np.finfo(np.float32).max)


class Fault(NamedTuple):
    """A fault of an observation.

    Attributes:
        place: location in the observation, such as ``", entry 'pot'"``.
        what: what was found.
        finite: False if the fault is NaN or infinity.
    """

    place: str
    what: str
    finite: bool = True


Validator = Callable[[Any, str], Fault | None]


def vector_length(space: Any) -> int:
    """Return the length of a float vector, -1 for any other space."""
    vector = isinstance(space, spaces.Box) and len(space.shape) == 1 and np.issubdtype(space.dtype, np.floating)
    return space.shape[0] if vector else -1


def validator_for(space: Any) -> Validator:
    """Return a function that checks observations of a space; those of spaces without a fixed length always pass.

    Example:
        >>> validate = validator_for(spaces.Dict({"pot": spaces.Box(0, 1, (2,)), "self": spaces.Discrete(3)}))
        >>> validate({"pot": [0, 1], "self": 2}, ""), validate({"pot": [0.0], "self": 2}, "").what
        (None, 'got 1 numbers instead of 2')
    """
    if isinstance(space, spaces.Box):
        return _number_validator(int(np.prod(space.shape)), None, None)
    if isinstance(space, spaces.Discrete):
        return _number_validator(1, np.array([space.start]), np.array([space.start + space.n]))
    if isinstance(space, spaces.MultiDiscrete):
        start = np.asarray(getattr(space, "start", 0)) + np.zeros_like(space.nvec)
        return _number_validator(space.nvec.size, start.reshape(-1), (start + space.nvec).reshape(-1))
    if isinstance(space, spaces.MultiBinary):
        return _number_validator(int(np.prod(space.shape)), None, None)
    if isinstance(space, spaces.Dict):
        return _dict_validator({key: validator_for(part) for key, part in space.spaces.items()})
    if isinstance(space, spaces.Tuple):
        return _tuple_validator([validator_for(part) for part in space.spaces])
    return lambda value, place: None


def _number_validator(size: int, low: Any, high: Any) -> Validator:
    """Check arrays of ``size`` numbers; they must be integers in ``[low, high)`` if these are given."""

    def validate(value: Any, place: str) -> Fault | None:
        try:
            array = value if type(value) is np.ndarray else np.asarray(to_numpy(value))
        except (TypeError, ValueError):
            return Fault(place, f"got {type(value).__name__} instead of an array of numbers")
        if array.dtype.kind not in "fiub":
            return Fault(place, f"got {value!r} instead of numbers")
        if array.size != size:
            return Fault(place, f"got {array.size} numbers instead of {size}")
        if array.dtype.kind == "f":
            finite = np.isfinite(array)
            if not finite.all():
                index = np.unravel_index(int(np.argmin(finite)), array.shape)
                location = ", ".join(str(int(i)) for i in index)
                return Fault(f"{place}, element {location}" if location else place, f"got {array[index]}", finite=False)
        if low is not None:
            flat = array.reshape(-1)
            outside = (flat < low) | (flat >= high)
            if outside.any():
                return Fault(place, f"{flat[outside.argmax()]} is out of range")
            if array.dtype.kind == "f" and (flat != np.floor(flat)).any():
                return Fault(place, f"{flat[(flat != np.floor(flat)).argmax()]} is not an integer")
        return None

    return validate


def _dict_validator(parts: Mapping[str, Validator]) -> Validator:
    def validate(value: Any, place: str) -> Fault | None:
        if not isinstance(value, Mapping):
            return Fault(place, f"got {type(value).__name__} instead of a dict")
        for key, validator in parts.items():
            if key not in value:
                return Fault(place, f"entry {key!r} is missing")
            fault = validator(value[key], f"{place}, entry {key!r}")
            if fault is not None:
                return fault
        return None

    return validate


def _tuple_validator(parts: list[Validator]) -> Validator:
    def validate(value: Any, place: str) -> Fault | None:
        if not isinstance(value, tuple | list | np.ndarray) or len(value) != len(parts):
            return Fault(place, f"got {type(value).__name__} instead of a tuple of {len(parts)}")
        for i, validator in enumerate(parts):
            fault = validator(value[i], f"{place}, part {i}")
            if fault is not None:
                return fault
        return None

    return validate


def check_narrow(vector: npt.NDArray[Any], agent: str, step: int) -> None:
    """Check that an agent's flat observation is within the range of float32.

    Raises:
        NonFiniteError: if it is not; the message names the first number.
    """
    too_large = np.abs(vector) > LARGEST
    if too_large.any():
        index = int(too_large.argmax())
        raise NonFiniteError(
            f"the observation of agent {agent!r} {f'in step {step}' if step else 'at the reset'}, element {index} must "
            f"be within the range of float32, up to {LARGEST:.2g}, got {vector[index]}"
        )
