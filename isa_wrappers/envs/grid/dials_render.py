"""Pictures and text of the dials, in NumPy alone."""

from __future__ import annotations

import numpy as np

from isa_wrappers.arrays import Array, to_numpy
from isa_wrappers.envs.drawing import Color, Image, Mark, agent_color, cross, disc
from isa_wrappers.envs.grid.colors import GROUND, LINE
from isa_wrappers.envs.grid.dials_rules import DialsState, DialsTask
from isa_wrappers.errors import InvalidValueError, check_int

TARGET: Color = (245, 200, 120)
RIGHT: Color = (150, 210, 160)
SHARED: Color = (60, 64, 72)
DIALS_LEGEND = (
    Mark("disc", None, "dial of this agent"),
    Mark("disc", SHARED, "dial of all agents"),
    Mark("square", TARGET, "target of a dial"),
    Mark("square", RIGHT, "dial at its target"),
    Mark("cross", None, "goal of a dial", of_goal=True),
)
"""Legend of :func:`draw_dials`."""


def draw_dials(task: DialsTask, state: DialsState, goal: Array | None = None, cell: int = 24) -> Image:
    """Draw a state: a column for each dial, positions upwards.

    A disc marks the position of each dial, in the colour of its owner, or dark if all agents can turn it. The cell of
    its target is shaded, and green once the dial is there.

    Args:
        task: the task.
        state: a state without leading axes.
        goal: a global state ``[K]``, drawn as crosses; NaN for dimensions without a goal.
        cell: pixels per cell.

    Returns:
        The image ``[H, W, 3]`` uint8.

    Raises:
        InvalidValueError: if ``cell`` is too small or ``goal`` has the wrong length.

    Example:
        >>> from isa_wrappers.envs.grid.dials_rules import dials_task, start_state
        >>> task = dials_task()
        >>> draw_dials(task, start_state(task, np.array(0)), cell=10).shape
        (61, 41, 3)
    """
    check_int("cell", cell, 8)
    goal_positions = None if goal is None else to_numpy(goal)
    if goal_positions is not None and goal_positions.shape != (task.dials,):
        raise InvalidValueError(f"goal must have shape ({task.dials},), got {goal_positions.shape}")
    image = np.empty((task.positions * cell + 1, task.dials * cell + 1, 3), dtype=np.uint8)
    image[:] = GROUND
    image[::cell] = image[:, ::cell] = LINE
    for k, (position, target, owner) in enumerate(zip(to_numpy(state.dial), task.targets, task.owners, strict=True)):
        color = SHARED if owner is None else agent_color(owner)
        top, left = (task.positions - 1 - target) * cell + 1, k * cell + 1
        image[top : top + cell - 1, left : left + cell - 1] = RIGHT if position == target else TARGET
        column = (k + 0.5) * cell
        disc(image, (task.positions - 0.5 - float(position)) * cell, column, 0.3 * cell, color)
        if goal_positions is not None and np.isfinite(goal_positions[k]):
            cross(image, (task.positions - 0.5 - float(goal_positions[k])) * cell, column, 0.42 * cell, color)
    return image


def dials_text(task: DialsTask, state: DialsState) -> str:
    """Write a state as text, positions upwards.

    ``o`` marks the position of a dial, ``x`` its target, ``@`` both. The line below holds the last digit of its owner,
    ``*`` for all.

    Example:
        >>> from isa_wrappers.envs.grid.dials_rules import dials_task, start_state
        >>> task = dials_task(dials=4)
        >>> print(dials_text(task, start_state(task, np.array(0))))
        . . . .
        . . . x
        . . x .
        . x . .
        x . . .
        o o o o
        * * 0 1
        dials: step 0 of 60, right 0 of 4
    """
    places = to_numpy(state.dial).tolist()
    pairs = list(zip(places, task.targets, strict=True))
    rows = [
        " ".join(".xo@"[(row == target) + 2 * (row == place)] for place, target in pairs)
        for row in reversed(range(task.positions))
    ]
    owners = " ".join("*" if owner is None else str(owner % 10) for owner in task.owners)
    right = sum(place == target for place, target in pairs)
    return "\n".join([*rows, owners, f"dials: step {int(state.time)} of {task.horizon}, right {right} of {task.dials}"])
