"""Draw anti-aliased discs and crosses on an image, in NumPy alone."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.errors import InvalidValueError

Color = tuple[int, int, int]
Image = npt.NDArray[np.uint8]

PALETTE: tuple[Color, ...] = (
    (214, 69, 65), (31, 119, 180), (44, 160, 44), (245, 140, 20), (136, 84, 208), (0, 168, 168),
    (230, 85, 160), (140, 95, 60), (150, 160, 20), (60, 70, 90),
)  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """One entry of the legend of a picture.

    Attributes:
        shape: ``disc``, ``cross``, ``square`` (filled) or ``frame``.
        color: colour of the mark; ``None`` for the colour of the agent that it belongs to.
        meaning: short description.
        of_goal: whether the mark is drawn only with a goal.
    """

    shape: str
    color: Color | None
    meaning: str
    of_goal: bool = False


def agent_color(index: int) -> Color:
    """Return the colour of agent ``index``; beyond the palette, hues are a golden angle apart."""
    if index < len(PALETTE):
        return PALETTE[index]
    red, green, blue = colorsys.hls_to_rgb(index * 0.618034 % 1.0, 0.35 + 0.1 * (index % 3), 0.7)
    return int(255 * red), int(255 * green), int(255 * blue)


def disc(image: Image, row: float, column: float, radius: float, color: Color) -> None:
    """Paint a disc of ``radius`` pixels."""
    patch, down, right = _around(image, row, column, radius)
    _blend(patch, np.clip(radius + 0.5 - np.hypot(down, right), 0, 1), color)


def cross(image: Image, row: float, column: float, radius: float, color: Color) -> None:
    """Paint a diagonal cross that reaches ``radius`` pixels."""
    patch, down, right = _around(image, row, column, radius)
    arm = np.minimum(np.abs(down - right), np.abs(down + right)) / sqrt(2)
    inside = np.maximum(np.abs(down), np.abs(right)) <= radius
    _blend(patch, inside * np.clip(max(0.5, 0.14 * radius) + 0.5 - arm, 0, 1), color)


def goal_places(goal: Any, num_agents: int, state_size: int) -> dict[int, tuple[int, int]]:
    """Return the x and y of each agent in a goal ``[K]`` that begins with them; agents with NaN are left out.

    Raises:
        InvalidValueError: if the goal has the wrong length.

    Example:
        >>> goal_places(np.array([1.0, 2.0, np.nan, np.nan, 7.0]), num_agents=2, state_size=5)
        {0: (1, 2)}
    """
    if goal.shape != (state_size,):
        raise InvalidValueError(f"goal must have shape ({state_size},), got {goal.shape}")
    places = goal[: 2 * num_agents].reshape(-1, 2)
    return {i: (round(float(x)), round(float(y))) for i, (x, y) in enumerate(places) if np.isfinite(x + y)}


def _around(image: Image, row: float, column: float, radius: float) -> tuple[Image, npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the view of the pixels within ``radius``, and their distances down and to the right of the centre."""
    top, left = max(0, int(row - radius - 1)), max(0, int(column - radius - 1))
    patch = image[top : ceil(row + radius) + 2, left : ceil(column + radius) + 2]
    rows, columns = np.ogrid[: patch.shape[0], : patch.shape[1]]
    return patch, rows + top - row, columns + left - column


def _blend(patch: Image, cover: npt.NDArray[Any], color: Color) -> None:
    """Paint ``color`` with opacity ``cover``, from 0 to 1."""
    patch[:] = np.rint(patch + cover[..., None] * (np.array(color) - patch.astype(float)))
