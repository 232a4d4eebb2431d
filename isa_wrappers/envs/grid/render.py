"""Pictures and text of the grid tasks, in NumPy alone."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, to_numpy
from isa_wrappers.envs.drawing import Color, Image, Mark, agent_color, cross, disc, goal_places
from isa_wrappers.envs.grid.colors import AMBER, GROUND, LINE, SHADE, STONE
from isa_wrappers.envs.grid.rules import BULLETS_TO_WIN, SHOOT_ABOVE_Y, GridState, GridTask
from isa_wrappers.errors import check_int

FULL: Color = (60, 170, 90)


def draw_grid(task: GridTask, state: GridState, goal: Array | None = None, cell: int = 24) -> Image:
    """Draw a state, y upwards.

    Agents are discs; agents in the same cell lie side by side. Targets are squares, filled once held; in Unlock, a
    lock has the colour of its agent. In Shooting, the cells to shoot from are shaded, and a bar on top fills with
    bullets and turns green when there are enough.

    Args:
        task: the task.
        state: a state without leading axes.
        goal: a global state ``[K]``; the position of each agent in it is drawn as a cross in the agent's colour. NaN
            for dimensions without a goal.
        cell: pixels per cell.

    Returns:
        The image ``[H, W, 3]`` uint8.

    Raises:
        InvalidValueError: if ``cell`` is too small or ``goal`` has the wrong length.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.envs.grid.rules import grid_task, start_state
        >>> task = grid_task("navigation", num_agents=2, grid=15)
        >>> draw_grid(task, start_state(task, np.array(task.targets)), cell=10).shape
        (151, 151, 3)
    """
    check_int("cell", cell, 8)
    side = task.grid * cell + 1
    board = np.empty((side, side, 3), dtype=np.uint8)
    board[:] = GROUND
    if task.shoots:
        board[: (task.grid - 1 - SHOOT_ABOVE_Y) * cell] = SHADE
    board[::cell] = board[:, ::cell] = LINE
    colors = [agent_color(i) for i in range(task.num_agents)]
    held = to_numpy(state.held)
    for i, (x, y) in enumerate(to_numpy(state.targets).tolist()):
        color = colors[i] if task.own_target else STONE
        _square(board, *_corner(task, x, y, cell), cell, color, bool(held[i]))
    places = to_numpy(state.position)
    if goal is not None:
        by_agent = goal_places(to_numpy(goal), task.num_agents, task.state_size)
        goal_positions = np.array(list(by_agent.values()), dtype=int).reshape(-1, 2)
        goal_colors = [colors[i] for i in by_agent]
        for row, column, radius, color in _spots(task, goal_positions, cell, goal_colors, alone=0.42):
            cross(board, row, column, radius, color)
    for row, column, radius, color in _spots(task, places, cell, colors, alone=0.3):
        disc(board, row, column, radius, (255, 255, 255))
        disc(board, row, column, radius - 0.8, color)
    return np.concatenate([_bar(int(state.bullets), side, cell), board]) if task.shoots else board


def grid_legend(task: GridTask) -> tuple[Mark, ...]:
    """Return the legend of :func:`draw_grid`.

    Example:
        >>> from isa_wrappers.envs.grid.rules import grid_task
        >>> [mark.meaning for mark in grid_legend(grid_task("unlock"))]
        ['agent', 'lock of that agent, filled once open', 'goal: where that agent is to be']
    """
    target = Mark("frame", STONE, "target, filled once held")
    if task.own_target:
        target = Mark("frame", None, "lock of that agent, filled once open")
    marks = [Mark("disc", None, "agent"), target]
    if task.shoots:
        marks += [
            Mark("square", SHADE, "cells to shoot from"),
            Mark("square", AMBER, "bullets so far, green if enough"),
        ]
    return (*marks, Mark("cross", None, "goal: where that agent is to be", of_goal=True))


def grid_text(task: GridTask, state: GridState) -> str:
    """Write a state as text, y upwards.

    Each cell has two characters: the target (``a`` for the first, ``A`` once held), then the last digit of the agent,
    or ``+`` for several agents. Exact positions follow below.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.envs.grid.rules import grid_task, start_state
        >>> task = grid_task("unlock", num_agents=2, grid=3, targets=[(1, 2), (2, 0)])
        >>> print(grid_text(task, start_state(task, np.array(task.targets))))
         . a.  .
         .  .  .
         +  . b.
        unlock: step 0 of 60, held 0 of 2
        agent_0 (0,0)  agent_1 (0,0)
    """
    rows = [[[" ", "."] for _ in range(task.grid)] for _ in range(task.grid)]
    held, places = to_numpy(state.held).tolist(), to_numpy(state.position).tolist()
    for i, (x, y) in enumerate(to_numpy(state.targets).tolist()):
        rows[y][x][0] = chr(ord("A" if held[i] else "a") + i % 26)
    for i, (x, y) in enumerate(places):
        rows[y][x][1] = str(i % 10) if rows[y][x][1] == "." else "+"
    lines = [" ".join("".join(pair) for pair in row) for row in reversed(rows)]
    bullets = f", bullets {int(state.bullets)} (to win: more than {BULLETS_TO_WIN})" if task.shoots else ""
    counts = f"step {int(state.time)} of {task.horizon}, held {sum(held)} of {task.num_agents}{bullets}"
    positions = "  ".join(f"{agent} ({x},{y})" for agent, (x, y) in zip(task.agents, places, strict=True))
    return "\n".join([*lines, f"{task.name}: {counts}", positions])


def _corner(task: GridTask, x: int, y: int, cell: int) -> tuple[int, int]:
    """Return the row and column of the upper left pixel of a cell, inside its lines."""
    return (task.grid - 1 - y) * cell + 1, x * cell + 1


def _spots(
    task: GridTask, places: npt.NDArray[Any], cell: int, colors: list[Color], alone: float
) -> list[tuple[float, float, float, Color]]:
    """Return each agent's centre, radius (``alone`` cells if it is alone) and colour; agents in one cell get slots."""
    cells = [tuple(place) for place in places.tolist()]
    spots = []
    for i, place in enumerate(cells):
        across = ceil(sqrt(cells.count(place)))
        slot = cells[:i].count(place)
        row, column = _corner(task, place[0], place[1], cell)
        size = (cell - 1) / across
        down, right = (size * (n + 0.5) - 0.5 for n in divmod(slot, across))
        spots.append((row + down, column + right, (alone if across == 1 else 0.5) * size, colors[i]))
    return spots


def _square(image: Image, row: int, column: int, cell: int, color: Color, filled: bool) -> None:
    width = max(2, cell // 10)
    patch = image[row + 1 : row + cell - 2, column + 1 : column + cell - 2]
    inside = patch[width:-width, width:-width].copy()
    patch[:] = color
    patch[width:-width, width:-width] = (inside + 2 * np.array(color)) // 3 if filled else inside


def _bar(bullets: int, side: int, cell: int) -> Image:
    """Return the strip above the board: the fraction of the required bullets."""
    strip = np.empty((max(8, cell // 2), side, 3), dtype=np.uint8)
    strip[:] = GROUND
    needed = BULLETS_TO_WIN + 1
    frame = strip[2:-2, 1:-1]
    frame[:] = LINE
    frame[:, : round(frame.shape[1] * min(bullets, needed) / needed)] = FULL if bullets >= needed else AMBER
    return strip
