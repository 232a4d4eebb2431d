"""Features of states that are maps of cells: number and centre of the cells for each channel and value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers.border.spaces import as_parallel
from isa_wrappers.border.start import reset_env
from isa_wrappers.border.state import env_state
from isa_wrappers.checks import check_numbers, check_sequence
from isa_wrappers.errors import (
    InvalidValueError,
    NonFiniteError,
    UnsupportedEnvironmentError,
    check_kind,
    check_name,
    shown,
)

ABSENT = -1.0
"""Row and column of a thing that is not on the map."""
PARTS = ("count", "row", "column")
MOST_CHANNELS = 1_000


def map_features(cells: Any, values: Sequence[float] | None = None) -> npt.NDArray[np.float32]:
    """Describe a map by the number of cells and their mean row and column, for each channel (and value).

    A thing that an agent moves is then one or two dimensions. In the map itself it is spread over all cells, each of
    which changes rarely. Things with the same channel and value are merged: for two agents, the features show only
    their centre, which both of them move. Give every agent its own channel, or separate agents by values.

    Args:
        cells: ``[rows, columns]`` or ``[rows, columns, channels]``.
        values: cell values to describe separately; ``None`` for all values other than 0 together.

    Returns:
        ``[channels * values * 3]`` float32: count, mean row, mean column; the last two are -1 if there are no cells.

    Raises:
        InvalidValueError: if ``cells`` is not a map.

    Example:
        >>> cells = np.zeros((4, 5))
        >>> cells[1, 2] = cells[3, 2] = 1
        >>> map_features(cells).tolist(), map_features(cells, values=[1, 2]).tolist()
        ([2.0, 2.0, 2.0], [2.0, 2.0, 2.0, 0.0, -1.0, -1.0])
    """
    array = np.asarray(cells)
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or not array.size or array.dtype.kind not in "biuf":
        raise InvalidValueError(
            f"a map must be an array [rows, columns] or [rows, columns, channels], got {list(array.shape)}"
        )
    if not np.isfinite(array).all():
        raise NonFiniteError("a map must be finite, but contains NaN or infinity")
    matches = [array != 0] if values is None else [array == value for value in values]
    masks = np.stack(matches, axis=-1).reshape(*array.shape[:2], -1)  # [rows, columns, channels * values]
    count = masks.sum(axis=(0, 1))
    divisor = np.maximum(count, 1)
    row = (masks * np.arange(array.shape[0])[:, None, None]).sum(axis=(0, 1)) / divisor
    column = (masks * np.arange(array.shape[1])[None, :, None]).sum(axis=(0, 1)) / divisor
    centre = np.where(count > 0, np.stack([row, column]), ABSENT)
    return np.stack([count, *centre], axis=-1).reshape(-1).astype(np.float32)


class MapState(BaseParallelWrapper[str, Any, Any]):  # type: ignore[misc]
    """Replaces a ``state()`` that is a map by the features of :func:`map_features`.

    Observations do not change. Use it in a factory, ``lambda: MapState(make_env())``, or set ``--state-features map``.

    Args:
        env: environment with a ``state()`` of shape ``[rows, columns]`` or ``[rows, columns, channels]``; without a
            ``state_space``, it is reset to find the shape.
        values: see :func:`map_features`.
        channels: names of the channels.
        first: whether channels come first: ``[channels, rows, columns]``.

    Attributes:
        things: names of the described things, in the order of the features: a channel and, if set, a value.

    Raises:
        UnsupportedEnvironmentError: if the state is not such an array.
        InvalidValueError: if values are not numbers, or the number of names differs from the number of channels.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> MapState(make_parallel("grid/unlock"))
        Traceback (most recent call last):
            ...
        isa_wrappers.errors.UnsupportedEnvironmentError: a map is a state [rows, columns] or \
[rows, columns, channels], got shape [28]
    """

    def __init__(
        self,
        env: Any,
        values: Sequence[float] | None = None,
        channels: Sequence[str] = (),
        first: bool = False,
    ) -> None:
        super().__init__(as_parallel(env))
        check_kind("first", first, bool)
        self._first = first
        self._values = None if values is None else _read_values(values)
        shape = state_shape(self.env)
        if len(shape) not in (2, 3) or 0 in shape:
            raise UnsupportedEnvironmentError(
                f"a map is a state [rows, columns] or [rows, columns, channels], got shape {list(shape)}"
            )
        count = 1 if len(shape) == 2 else shape[0 if first else 2]
        if count > MOST_CHANNELS:
            raise UnsupportedEnvironmentError(
                f"a map has at most {MOST_CHANNELS:,} channels, on the last axis, got shape {list(shape)}"
                + ("; leave out first" if first else "; set first if they are on the first axis")
            )
        given_names = [check_name("channels", name) for name in check_sequence("channels", channels)]
        names = given_names or [f"channel_{c}" for c in range(count)]
        if len(names) != count:
            raise InvalidValueError(f"channels must name {count} channels, got {shown(list(channels))}")
        kinds = [""] if self._values is None else [f"={value:g}" for value in self._values]
        self.things = tuple(f"{name}{kind}" for name in names for kind in kinds)
        self.state_names = tuple(f"{label}.{part}" for label in self.things for part in PARTS)
        self.state_space = spaces.Box(ABSENT, np.inf, (len(self.state_names),), dtype=np.float32)

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Start an episode."""
        return reset_env(self.env, seed, options)

    def state(self) -> npt.NDArray[np.float32]:
        """Return the features of the map."""
        cells = np.asarray(env_state(self.env))
        return map_features(np.moveaxis(cells, 0, -1) if self._first and cells.ndim == 3 else cells, self._values)


def state_shape(env: Any) -> tuple[int, ...]:
    """Return the shape of the state, from ``state_space`` or else from the first state after a reset.

    Raises:
        UnsupportedEnvironmentError: if the environment has no state.
    """
    declared = getattr(getattr(env, "state_space", None), "shape", None)
    if declared is not None:
        return tuple(declared)
    env.reset()
    return np.shape(env_state(env))


def _read_values(values: Any) -> list[float]:
    numbers = check_numbers("values", check_sequence("values", values))
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise InvalidValueError(f"values must be a list of numbers, at least one, got {shown(values)}")
    return [float(value) for value in numbers]
