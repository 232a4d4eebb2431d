"""Pictures and text of the locked room, in NumPy alone."""

from __future__ import annotations

import numpy as np

from isa_wrappers.arrays import Array, to_numpy
from isa_wrappers.envs.drawing import Color, Image, Mark, agent_color, cross, disc, goal_places
from isa_wrappers.envs.grid.colors import AMBER, GROUND, LINE, SHADE, STONE
from isa_wrappers.envs.grid.room_rules import CORRIDOR, MIDDLE, NOTCHES, ROOM, VAULT, RoomState, RoomTask
from isa_wrappers.errors import check_int

LIT: Color = (250, 215, 60)


ROOM_LEGEND = (
    Mark("disc", None, "agent"),
    Mark("square", SHADE, "the room"),
    Mark("square", AMBER, "gate, shorter with every notch"),
    Mark("disc", LIT, "lamp while it is lit"),
    Mark("cross", None, "goal: where that agent is to be", of_goal=True),
)
"""Legend of :func:`draw_room`."""


def draw_room(task: RoomTask, state: RoomState, goal: Array | None = None, cell: int = 24) -> Image:
    """Draw a state, y upwards.

    Agents are discs, side by side in a shared cell. The room is shaded. The gate is a bar in front of the vault that
    becomes shorter from below with every notch. The lamp above the room is filled while it is lit.

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
        >>> from isa_wrappers.envs.grid.room_rules import locked_room, start_state
        >>> task = locked_room()
        >>> draw_room(task, start_state(task, np.array(0)), cell=10).shape
        (41, 191, 3)
    """
    check_int("cell", cell, 8)
    image = np.empty(((ROOM + 1) * cell + 1, (VAULT + 1) * cell + 1, 3), dtype=np.uint8)
    image[:] = STONE
    for x in range(VAULT + 1):
        for y in range(ROOM) if CORRIDOR <= x < VAULT else (MIDDLE,):
            row, column = _corner(x, y, cell)
            image[row - 1 : row + cell, column - 1 : column + cell] = LINE
            image[row : row + cell - 1, column : column + cell - 1] = SHADE if CORRIDOR <= x < VAULT else GROUND
    row, column = _corner(VAULT, MIDDLE, cell)
    closed = round((cell - 1) * (1 - int(state.gate) / NOTCHES))
    image[row : row + closed, column - 2 : column + 2] = AMBER
    lamp_row, lamp_column = cell / 2, _corner(CORRIDOR + 1, MIDDLE, cell)[1] + cell / 2 - 1
    disc(image, lamp_row, lamp_column, 0.3 * cell, LIT if bool(state.lamp) else LINE)
    if goal is not None:
        for i, (x, y) in goal_places(to_numpy(goal), task.num_agents, task.state_size).items():
            row, column = _corner(x, y, cell)
            cross(image, row + cell / 2 - 1, column + cell / 2 - 1, 0.42 * cell, agent_color(i))
    for i, (x, y) in enumerate(to_numpy(state.position).tolist()):
        row, column = _corner(x, y, cell)
        slot = cell / (task.num_agents + 1)
        disc(image, row + cell / 2 - 1, column + (i + 1) * slot - 1, max(2.0, 0.6 * slot), agent_color(i))
    return image


def room_text(task: RoomTask, state: RoomState) -> str:
    """Write a state as text, y upwards: the last digit of an agent, ``+`` for several, ``|`` for a closed gate.

    Example:
        >>> from isa_wrappers.envs.grid.room_rules import locked_room, start_state
        >>> task = locked_room()
        >>> print(room_text(task, start_state(task, np.array(0))))
        ###############...##
        +.................|.
        ###############...##
        locked_room: step 0 of 60, gate 0 of 20, lamp off
        agent_0 (0,1)  agent_1 (0,1)
    """
    rows = [["#"] * (VAULT + 1) for _ in range(ROOM)]
    for y in range(ROOM):
        rows[y][CORRIDOR:VAULT] = ["."] * ROOM
    rows[MIDDLE] = ["."] * (VAULT + 1)
    places = to_numpy(state.position).tolist()
    for i, (x, y) in enumerate(places):
        rows[y][x] = str(i % 10) if rows[y][x] == "." else "+"
    for y, row in enumerate(rows):
        row.insert(VAULT, "#" if y != MIDDLE else "|" if int(state.gate) < NOTCHES else " ")
    lamp = "on" if bool(state.lamp) else "off"
    status = f"locked_room: step {int(state.time)} of {task.horizon}, gate {int(state.gate)} of {NOTCHES}, lamp {lamp}"
    agents = "  ".join(f"{agent} ({x},{y})" for agent, (x, y) in zip(task.agents, places, strict=True))
    return "\n".join([*("".join(row) for row in reversed(rows)), status, agents])


def _corner(x: int, y: int, cell: int) -> tuple[int, int]:
    """Return the row and column of the upper left pixel of a cell, inside its lines; the lamp's row lies above."""
    return (ROOM - y) * cell + 1, x * cell + 1
