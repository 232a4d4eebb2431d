"""Pictures of a battle, in NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.envs.drawing import Color, Image, Mark, cross, disc
from isa_wrappers.errors import InvalidValueError, check_int

GROUND: Color = (246, 244, 238)
ALLY: Color = (31, 119, 180)
ENEMY: Color = (214, 69, 65)
FALLEN: Color = (170, 168, 162)
EMPTY: Color = (215, 213, 206)
GOAL: Color = (20, 20, 20)
BAR = 5
"""Pixels from a unit's edge to its health bar."""
BATTLE_LEGEND = (
    Mark("disc", ALLY, "ally, with its health above"),
    Mark("disc", ENEMY, "enemy, with its health above"),
    Mark("cross", FALLEN, "fallen"),
    Mark("cross", GOAL, "goal: position of a unit", of_goal=True),
    Mark("disc", GOAL, "goal: health of a unit", of_goal=True),
)
"""Legend of :func:`draw_battle`."""


def draw_battle(
    units: npt.NDArray[Any],
    num_allies: int,
    radii: Sequence[float],
    goal: npt.NDArray[Any] | None = None,
    side: int = 360,
) -> Image:
    """Draw a battle, y upwards.

    Allies are blue and enemies red, each with a health bar; dead units are grey crosses. A goal appears as a black mark
    on the health bar and a black cross at the position.

    Args:
        units: ``[U, 4]`` health, x, y and cooldown of each unit as fractions, allies first.
        num_allies: number of allies.
        radii: radius of each unit as a fraction of the map's side.
        goal: ``[U, 4]``, with NaN for dimensions without a goal.
        side: side length of the image in pixels.

    Returns:
        ``[side, side, 3]`` uint8.

    Raises:
        InvalidValueError: if ``side`` is too small or the shapes do not match.

    Example:
        >>> draw_battle(np.array([[1.0, 0.2, 0.5, 0.0], [0.5, 0.8, 0.5, 0.0]]), 1, [0.02, 0.02], side=200).shape
        (200, 200, 3)
    """
    check_int("side", side, 64)
    for array in (units,) if goal is None else (units, goal):
        if array.shape != (len(radii), 4):
            raise InvalidValueError(f"units and goal must have shape ({len(radii)}, 4), got {array.shape}")
    image = np.empty((side, side, 3), dtype=np.uint8)
    image[:] = GROUND
    for unit, (health, x, y, _) in enumerate(units.tolist()):
        row = (1.0 - y) * side
        column = x * side
        radius = max(3.0, radii[unit] * side)
        if health <= 0.0:
            cross(image, row, column, radius, FALLEN)
            continue
        color = ALLY if unit < num_allies else ENEMY
        disc(image, row, column, radius, color)
        _bar(image, row - radius - BAR, column, 2 * radius + 8, health, color)
    if goal is not None:
        _draw_goal(image, units, goal, radii)
    return image


def _draw_goal(image: Image, units: npt.NDArray[Any], goal: npt.NDArray[Any], radii: Sequence[float]) -> None:
    side = len(image)
    for unit, (health, x, y, _) in enumerate(goal.tolist()):
        radius = max(3.0, radii[unit] * side)
        if not (np.isnan(x) or np.isnan(y)):
            cross(image, (1.0 - y) * side, x * side, 0.6 * radius, GOAL)
        if not np.isnan(health):
            row, column = (1.0 - units[unit, 2]) * side - radius - BAR, units[unit, 1] * side
            width = 2 * radius + 8
            disc(image, row, column + (health - 0.5) * width, 2.5, GOAL)


def _bar(image: Image, row: float, column: float, width: float, share: float, color: Color) -> None:
    top = int(row - 1)
    left = int(column - width / 2)
    right = int(column + width / 2)
    rows = slice(max(0, top), max(0, top + 3))
    image[rows, max(0, left) : max(0, right)] = EMPTY
    image[rows, max(0, left) : max(0, round(left + share * (right - left)))] = color
