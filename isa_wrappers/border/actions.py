"""Structure of an agent's action: components, each a choice among values or a range divided into parts.

An *elementary action* is "component c has value v" for a choice, or "component c lies in part v" for a range. A
``Discrete`` space is a single choice, whose elementary actions are its actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError, shown

PARTS = 4
"""Number of equal parts of a range; these are quantiles if the agent acts uniformly."""
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Component:
    """One component of an action.

    Attributes:
        name: name such as ``[0]``.
        parts: number of its elementary actions, m.
        low: smallest value; 0 for a choice.
        width: largest minus smallest value; m for a choice.
        is_range: whether the component is a range instead of a choice.
    """

    name: str
    parts: int
    low: float
    width: float
    is_range: bool

    def names(self) -> tuple[str, ...]:
        """Name the elementary actions.

        Example:
            >>> Component("push", 4, -1.0, 2.0, True).names()[0], Component("gear", 3, 0.0, 3.0, False).names()[2]
            ('push in -1..-0.5', 'gear = 2')
        """
        if not self.is_range:
            return tuple(f"{self.name} = {value}" for value in range(self.parts))
        cuts = [self.low + self.width * part / self.parts for part in range(self.parts + 1)]
        return tuple(f"{self.name} in {cuts[v]:.3g}..{cuts[v + 1]:.3g}" for v in range(self.parts))


@dataclass(frozen=True)
class ActionCode:
    """Encoding of one agent's actions.

    An action is a vector ``[d]`` float32: for a choice, the index of the chosen value from 0; for a range, the value.

    Attributes:
        kind: kind of the space, for messages.
        components: the d components.
        shape: shape of the environment's action; ``None`` for a plain number.
        dtype: dtype of the environment's action.
        start: first value of each choice of a ``MultiDiscrete``.

    Example:
        >>> code = ActionCode.of(spaces.Box(-1, 1, (2,)), "walker")
        >>> code.num_actions, code.native([0.25, -3.0])
        (8, array([ 0.25, -1.  ], dtype=float32))
        >>> ActionCode.of(spaces.MultiDiscrete([2, 3]), "crane").names
        ('[0] = 0', '[0] = 1', '[1] = 0', '[1] = 1', '[1] = 2')
    """

    kind: str
    components: tuple[Component, ...]
    shape: tuple[int, ...] | None = None
    dtype: str = "int64"
    start: tuple[int, ...] = ()

    @classmethod
    def of(cls, space: Any, agent: Any, names: Sequence[str] = ()) -> ActionCode:
        """Create the code of an action space.

        Args:
            space: action space of the agent.
            agent: name of the agent, for messages.
            names: names of the components; ignored unless there is one for each.

        Raises:
            UnsupportedEnvironmentError: if the space is of another kind, or a ``Box`` without bounds.
        """
        if isinstance(space, spaces.Discrete) and space.start == 0:
            return cls("Discrete", (_choice("action", int(space.n)),))
        if isinstance(space, spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary) and np.prod(space.shape) > 0:
            indices = product(*map(range, space.shape))
            default_names = [f"[{','.join(map(str, index))}]" if index else "action" for index in indices]
            labels = list(names) if len(names) == len(default_names) else default_names
            shape, dtype = tuple(space.shape), str(space.dtype)
            if isinstance(space, spaces.Box):
                low, width = _bounds(space, agent)
                bounds = zip(labels, low, width, strict=True)
                ranges = tuple(Component(name, PARTS, least, extent, True) for name, least, extent in bounds)
                return cls("Box", ranges, shape, dtype)
            if isinstance(space, spaces.MultiBinary):
                return cls("MultiBinary", tuple(_choice(name, 2) for name in labels), shape, dtype)
            counts, start = space.nvec.reshape(-1).tolist(), space.start.reshape(-1).tolist()
            choices = tuple(_choice(name, count) for name, count in zip(labels, counts, strict=True))
            return cls("MultiDiscrete", choices, shape, dtype, tuple(start))
        raise UnsupportedEnvironmentError(
            f"agent {agent!r} has action space {space}; supported: Discrete(n) starting at 0, Box with finite bounds, "
            "MultiDiscrete and MultiBinary"
        )

    @property
    def num_actions(self) -> int:
        """Number of elementary actions."""
        return sum(component.parts for component in self.components)

    @property
    def is_whole(self) -> bool:
        """Whether the space is a ``Box`` of integers."""
        return self.components[0].is_range and self.dtype[0] in "iu"

    @property
    def offsets(self) -> tuple[int, ...]:
        """Index of the first elementary action of each component."""
        return tuple(sum(component.parts for component in self.components[:c]) for c in range(len(self.components)))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the elementary actions, component by component."""
        return tuple(name for component in self.components for name in component.names())

    def __str__(self) -> str:
        if self.kind == "Discrete":
            return f"{self.num_actions} actions"
        count = len(self.components)
        kind = "continuous number" if self.components[0].is_range else "choice"
        return f"actions of {count} {kind}{'s' * (count > 1)}"

    @cached_property
    def _range_bounds(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        low = np.array([component.low for component in self.components])
        return low, low + [component.width for component in self.components]

    @property
    def idle(self) -> Any:
        """Action of an idle agent: zeros, or the closest valid values."""
        return self.native([0.0] * len(self.components))

    def first(self, available: npt.NDArray[np.bool_]) -> Any:
        """Return the action with the first ``available`` ``[n]`` value of each choice."""
        parts = zip(self.components, self.offsets, strict=True)
        return self.native([float(available[first : first + component.parts].argmax()) for component, first in parts])

    def native(self, vector: Sequence[float] | Vector) -> Any:
        """Convert a vector ``[d]`` to the environment's format; values outside a range are clipped."""
        if self.shape is None:
            return int(vector[0])
        values = np.array(vector[: len(self.components)], dtype=np.float64)
        if self.components[0].is_range:
            low, high = self._range_bounds
            np.minimum(np.maximum(values, low, out=values), high, out=values)
        if self.dtype[0] in "iu":
            np.rint(values, out=values)
        if self.is_whole:
            return self._as_integers(values).reshape(self.shape)
        native = values.astype(self.dtype)
        return (native + np.array(self.start, self.dtype) if self.start else native).reshape(self.shape)

    def _as_integers(self, values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Return integers in the environment's dtype; the largest 64-bit integers are not representable as floats."""
        largest = np.iinfo(self.dtype).max
        too_large = values >= float(largest)
        native = np.where(too_large, 0.0, values).astype(self.dtype)
        native[too_large] = largest
        return native

    def read(self, action: Any, agent: Any) -> Vector:
        """Convert an action in the environment's format to a vector ``[d]``.

        Raises:
            InvalidValueError: if it has the wrong length, contains NaN, or a value that does not exist.

        Example:
            >>> ActionCode.of(spaces.MultiDiscrete([2, 3], start=[0, 1]), "crane").read([1, 3], "crane").tolist()
            [1.0, 2.0]
        """
        count = len(self.components)
        try:
            numbers: npt.NDArray[Any] = np.asarray(action)
            if self.start and numbers.size == count:  # float32 cannot distinguish large ones
                dtype = np.int64 if numbers.dtype.kind in "iu" else np.float64
                numbers = numbers.reshape(-1).astype(dtype) - np.array(self.start, dtype=dtype)
            values = numbers.astype(np.float32).reshape(-1)
        except (TypeError, ValueError):
            values = np.zeros(0, dtype=np.float32)
        if len(values) != count or not np.isfinite(values).all():
            raise InvalidValueError(f"action of agent {agent!r} must be {count} finite numbers, got {shown(action)}")
        for value, component in zip(values, self.components, strict=True):
            if not component.is_range and not (0 <= value < component.parts and value == int(value)):
                raise InvalidValueError(
                    f"action of agent {agent!r} must have one of {component.parts} values at {component.name}, got "
                    f"{shown(action)}"
                )
        return values

    def draw(self, rng: np.random.Generator, available: npt.NDArray[np.bool_] | None = None) -> Vector:
        """Draw a vector ``[d]`` uniformly, with choices among the ``available`` ``[n]`` values."""
        drawn = []
        for component, first in zip(self.components, self.offsets, strict=True):
            if component.is_range:
                share = rng.random()
                offset = np.floor(share * (component.width + 1)) if self.is_whole else component.width * share
                drawn.append(component.low + offset)
            elif available is None:
                drawn.append(float(rng.integers(component.parts)))
            else:
                drawn.append(float(rng.choice(np.flatnonzero(available[first : first + component.parts]))))
        return np.array(drawn, dtype=np.float32)

    def unavailable_components(self, available: npt.NDArray[np.bool_]) -> list[str]:
        """Return the names of components without any ``available`` ``[n]`` value."""
        parts = zip(self.components, self.offsets, strict=True)
        return [component.name for component, first in parts if not available[first : first + component.parts].any()]


def _choice(name: str, count: int) -> Component:
    return Component(name, count, 0.0, float(count), False)


def _bounds(space: spaces.Box, agent: Any) -> tuple[list[float], list[float]]:
    """Return the smallest value and the width of every component."""
    low, high = space.low.reshape(-1).astype(np.float64), space.high.reshape(-1).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        bounded = np.isfinite((high - low).astype(np.float32)).all()
    if not bounded:
        raise UnsupportedEnvironmentError(
            f"agent {agent!r} has action space {space} without bounds; give it finite low and high, or wrap the "
            "environment in one that clips actions"
        )
    return low.tolist(), (high - low).tolist()
