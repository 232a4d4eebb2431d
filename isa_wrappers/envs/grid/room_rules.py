"""A room behind a corridor: a task whose decisive effect random play does not reach. Pure functions over arrays.

The same rules work with any backend and any leading axes. The corridor is a slope, one cell high and 15 long: an agent
that does not walk on slides back one cell. Behind it lies a room of 3 x 3 cells and, behind a gate, a vault of one
cell:

    y = 2                  . . .
    y = 1   S . . .  . . . . . . | V        x = 0 ... 14 the corridor, 15 ... 17 the room, 18 the vault
    y = 0                  . . .

Actions: 0 stay, 1 down, 2 up, 3 left, 4 right, 5 push. A push raises the gate by one notch and works only in the room.
In a step without a push, the gate falls by one notch, so occasional pushes do not open it. At 20 notches the gate is
open and stays open. The team wins when all agents are in the vault. A lamp flickers at random late in each episode,
when a trained team is in the room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isa_wrappers.arrays import Array, namespace
from isa_wrappers.errors import check_int, check_kind

ACTION_NAMES = ("stay", "down", "up", "left", "right", "push")
MOVES = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0), (0, 0))
PUSH = 5
CORRIDOR = 15
"""Length of the corridor in cells, and the number of steps to the right from the start to the room."""
ROOM = 3
VAULT = CORRIDOR + ROOM
MIDDLE = 1
NOTCHES = 20
DUSK = 16
"""Step of an episode from which the lamp flickers."""
HORIZON = 60


@dataclass(frozen=True)
class RoomTask:
    """The locked room with all options resolved; created by :func:`locked_room`.

    Attributes:
        num_agents: number of agents, A.
        horizon: steps after which an episode is truncated.
        push_anywhere: whether pushing is available in the corridor too, where it has no effect.
    """

    num_agents: int
    horizon: int
    push_anywhere: bool

    @property
    def agents(self) -> tuple[str, ...]:
        """Agent names."""
        return tuple(f"agent_{i}" for i in range(self.num_agents))

    @property
    def obs_size(self) -> int:
        """Length O of one agent's observation: own x and y, gate, lamp."""
        return 4

    @property
    def state_names(self) -> tuple[str, ...]:
        """A name for each dimension of the global state."""
        return (*(f"{agent}.{axis}" for agent in self.agents for axis in "xy"), "gate", "lamp")

    @property
    def state_size(self) -> int:
        """Length K of the global state."""
        return 2 * self.num_agents + 2


def locked_room(num_agents: int = 2, horizon: int = HORIZON, push_anywhere: bool = False) -> RoomTask:
    """Describe the task.

    Args:
        num_agents: number of agents, A.
        horizon: steps until truncation.
        push_anywhere: allow pushing in the corridor too, where it has no effect. Few pushes then move the gate, and
            Eq. 10, which depends on what an action can move but not on where, pays for every push.

    Raises:
        InvalidValueError: if an option is out of range.

    Example:
        >>> locked_room(num_agents=1).state_names
        ('agent_0.x', 'agent_0.y', 'gate', 'lamp')
    """
    check_kind("push_anywhere", push_anywhere, bool)
    return RoomTask(check_int("num_agents", num_agents, 1), check_int("horizon", horizon, 1), push_anywhere)


@dataclass(frozen=True)
class RoomState:
    """Everything that changes; all fields share the same leading axes ``...``.

    Attributes:
        position: ``[..., A, 2]`` int32 (x, y).
        gate: ``[...]`` int32, notches from 0 to 20.
        lamp: ``[...]`` bool.
        time: ``[...]`` int32, steps since the start.
    """

    position: Array
    gate: Array
    lamp: Array
    time: Array


def start_state(task: RoomTask, template: Array) -> RoomState:
    """Return the initial state; ``template`` ``[...]`` int32 determines the leading axes and the backend."""
    xp = namespace(template)
    zeros = xp.zeros_like(template)
    x = xp.stack([zeros] * task.num_agents, axis=-1)
    return RoomState(xp.stack([x, x + MIDDLE], axis=-1), zeros, zeros > 0, zeros)


def advance(
    task: RoomTask, state: RoomState, actions: Array, moves: Array, draws: Array
) -> tuple[RoomState, Array, Array]:
    """Apply the joint action ``[..., A]``; an unavailable action counts as stay.

    Args:
        task: the task.
        state: state before the step.
        actions: ``[..., A]`` integers in [0, 6).
        moves: ``MOVES`` as an int32 array of the state's backend.
        draws: ``[...]`` uniform random numbers in [0, 1), for the lamp.

    Returns:
        The next state, the team reward ``[...]`` float32 and success ``[...]`` bool.
    """
    xp = namespace(state.position)
    target = state.position + moves[actions]
    free = _is_floor(target, state.gate)
    position = xp.where(free[..., None], target, state.position)
    x = position[..., 0]
    slides = (state.position[..., 0] < CORRIDOR) & (x == state.position[..., 0]) & (x > 0)
    position = xp.stack([x - xp.astype(slides, x.dtype), position[..., 1]], axis=-1)
    pushes = (actions == PUSH) & _in_room(state.position)
    raised = state.gate + xp.sum(xp.astype(pushes, state.gate.dtype), axis=-1, dtype=state.gate.dtype)
    falls = ~xp.any(pushes, axis=-1) & (state.gate < NOTCHES)
    gate = xp.clip(raised - xp.astype(falls, raised.dtype), 0, NOTCHES)
    flickers = (state.time >= DUSK) & (draws < 0.5)
    success = xp.all(position[..., 0] == VAULT, axis=-1)
    next_state = RoomState(position, gate, state.lamp ^ flickers, state.time + 1)
    return next_state, xp.astype(success, xp.float32), success


def available_actions(task: RoomTask, state: RoomState) -> Array:
    """Return ``[..., A, n]`` bool: stay is always available, moves if they lead to floor, push in the room."""
    xp = namespace(state.position)
    x, y = state.position[..., 0], state.position[..., 1]
    always = x >= 0
    reached = [xp.stack([x + right, y + up], axis=-1) for right, up in MOVES[1:PUSH]]
    push = always if task.push_anywhere else _in_room(state.position)
    return xp.stack([always, *(_is_floor(place, state.gate) for place in reached), push], axis=-1)


def observe(task: RoomTask, state: RoomState) -> Array:
    """Return every agent's observation ``[..., A, 4]`` float32: own x and y, gate, lamp."""
    xp = namespace(state.position)
    x = state.position[..., 0]
    shared = [xp.zeros_like(x) + xp.astype(value, x.dtype)[..., None] for value in (state.gate, state.lamp)]
    return xp.astype(xp.stack([x, state.position[..., 1], *shared], axis=-1), xp.float32)


def global_state(task: RoomTask, state: RoomState) -> Array:
    """Return the global state ``[..., K]`` float32: all positions, gate, lamp."""
    xp = namespace(state.position)
    places = xp.reshape(state.position, (*state.position.shape[:-2], -1))
    rest = xp.stack([state.gate, xp.astype(state.lamp, state.gate.dtype)], axis=-1)
    return xp.astype(xp.concat([places, rest], axis=-1), xp.float32)


def _in_room(place: Array) -> Array:
    """Return which places ``[..., A, 2]`` lie in the room."""
    return (place[..., 0] >= CORRIDOR) & (place[..., 0] < VAULT)


def _is_floor(place: Array, gate: Array) -> Any:
    """Return which places an agent can enter: corridor, room, and the vault once the gate ``[...]`` is open."""
    x, y = place[..., 0], place[..., 1]
    in_row = (x >= 0) & (y == MIDDLE) & ((x < VAULT) | ((x == VAULT) & (gate >= NOTCHES)[..., None]))
    return in_row | (_in_room(place) & (y >= 0) & (y < ROOM))
