"""The paper's grid tasks (arXiv 2505.08630, appendix) as pure functions over arrays with any leading axes.

The same rules work for the PettingZoo environments (NumPy, no leading axis) and the batched ones (any backend, one
leading axis). Actions: 0 stay, 1 down (y-1), 2 up (y+1), 3 left (x-1), 4 right (x+1), 5 shoot (Shooting only).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from isa_wrappers.arrays import Array, array_device, namespace
from isa_wrappers.envs.grid.targets import fixed_targets
from isa_wrappers.errors import check_choice, check_int

ACTION_NAMES = ("stay", "down", "up", "left", "right", "shoot")
MOVES = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0), (0, 0))
SHOOT = 5
SHOOT_ABOVE_Y = 5
BULLETS_TO_WIN = 50
HORIZON = 60


@dataclass(frozen=True)
class GridTask:
    """One grid task with all options resolved; created by :func:`grid_task`.

    Attributes:
        name: ``navigation``, ``unlock`` or ``shooting``.
        num_agents: number of agents, A; there is one target per agent.
        grid: side length G of the board; x and y run from 0 to G-1.
        horizon: steps after which an episode is truncated.
        start: initial position of every agent.
        targets: A positions, or ``None`` if each episode draws its own.
        own_target: whether only agent i can take target i (Unlock).
        shoots: whether there is a shoot action and a bullet counter (Shooting).
    """

    name: str
    num_agents: int
    grid: int
    horizon: int
    start: tuple[int, int]
    targets: tuple[tuple[int, int], ...] | None
    own_target: bool
    shoots: bool

    @property
    def num_actions(self) -> int:
        """Number of actions of each agent."""
        return 6 if self.shoots else 5

    @property
    def agents(self) -> tuple[str, ...]:
        """Agent names."""
        return tuple(f"agent_{i}" for i in range(self.num_agents))

    @property
    def obs_size(self) -> int:
        """Length O of one agent's observation."""
        return 3 if self.shoots else 4 if self.own_target else 2 + 2 * self.num_agents

    @property
    def state_size(self) -> int:
        """Length K of the global state."""
        return 2 * self.num_agents + (1 if self.shoots else 2 * self.num_agents)

    @property
    def state_names(self) -> tuple[str, ...]:
        """A name for each dimension of the global state."""
        own = [f"{agent}.{axis}" for agent in self.agents for axis in "xy"]
        target = "lock" if self.own_target else "landmark"
        rest = ["bullets"] if self.shoots else [f"{target}_{i}.{axis}" for i in range(self.num_agents) for axis in "xy"]
        return tuple(own + rest)


def grid_task(
    name: str,
    num_agents: int | None = None,
    grid: int | None = None,
    horizon: int = HORIZON,
    targets: str | Sequence[Sequence[int]] = "listed",
) -> GridTask:
    """Describe a grid task.

    Args:
        name: ``navigation``, ``unlock`` or ``shooting``.
        num_agents: number of agents, A; 7, 7 and 3 by default.
        grid: side length of the board; 20, 20 and 10 by default.
        horizon: steps until truncation.
        targets: ``"listed"`` takes the first A of the paper's list. In Navigation and Unlock, cells spread evenly over
            the board follow its 16 entries. ``"random"`` draws distinct targets each episode from the environment's
            seed. Or pass A pairs (x, y).

    Raises:
        InvalidValueError: if an option is out of range or the targets do not fit on the board.

    Example:
        >>> grid_task("shooting").targets
        ((5, 7), (3, 7), (7, 7))
    """
    check_choice("grid task", name, ("navigation", "unlock", "shooting"))
    shoots = name == "shooting"
    num_agents = check_int("num_agents", (3 if shoots else 7) if num_agents is None else num_agents, 1)
    grid = check_int("grid", (10 if shoots else 20) if grid is None else grid, SHOOT_ABOVE_Y + 2 if shoots else 2)
    start = (1, 1) if shoots else (0, 0)
    return GridTask(
        name=name,
        num_agents=num_agents,
        grid=grid,
        horizon=check_int("horizon", horizon, 1),
        start=start,
        targets=fixed_targets(targets, num_agents, grid, start, shoots),
        own_target=name == "unlock",
        shoots=shoots,
    )


@dataclass(frozen=True)
class GridState:
    """Everything that changes; all fields share the same leading axes ``...``.

    Attributes:
        position: ``[..., A, 2]`` int32 (x, y).
        frozen: ``[..., A]`` bool, whether the agent holds a target and cannot move.
        held: ``[..., A]`` bool, whether the target is held.
        targets: ``[..., A, 2]`` int32.
        bullets: ``[...]`` int32.
        time: ``[...]`` int32, steps since the start.
    """

    position: Array
    frozen: Array
    held: Array
    targets: Array
    bullets: Array
    time: Array


def start_state(task: GridTask, targets: Array) -> GridState:
    """Return the initial state for ``targets`` ``[..., A, 2]``."""
    xp = namespace(targets)
    zeros = xp.zeros_like(targets[..., 0])
    start = xp.stack([zeros + task.start[0], zeros + task.start[1]], axis=-1)
    no = zeros > 0
    return GridState(start, no, no, targets, zeros[..., 0], zeros[..., 0])


def advance(task: GridTask, state: GridState, actions: Array, moves: Array) -> tuple[GridState, Array, Array]:
    """Apply the joint action ``[..., A]``; an unavailable action counts as stay.

    Args:
        task: the task.
        state: state before the step.
        actions: ``[..., A]`` integers in [0, n).
        moves: ``MOVES`` as an int32 array of the state's backend.

    Returns:
        The next state, the team reward ``[...]`` float32 and success ``[...]`` bool.
    """
    xp = namespace(state.position)
    free = ~state.frozen
    step = moves[actions] * xp.astype(free, moves.dtype)[..., None]
    # Leaving the board is unavailable, so it counts as stay: the same as clipping at the border.
    position = xp.clip(state.position + step, 0, task.grid - 1)
    bullets = state.bullets
    if task.shoots:
        shots = (actions == SHOOT) & (state.position[..., 1] > SHOOT_ABOVE_Y)
        bullets = bullets + xp.sum(xp.astype(shots, bullets.dtype), axis=-1, dtype=bullets.dtype)
    cell = position[..., 0] * task.grid + position[..., 1]
    target_cell = state.targets[..., 0] * task.grid + state.targets[..., 1]
    if task.own_target:
        newly_held = takes_one = (cell == target_cell) & free
    else:
        takes_which = (cell[..., :, None] == target_cell[..., None, :]) & free[..., :, None] & ~state.held[..., None, :]
        # If several agents reach one target, the one with the lowest index takes it.
        count = xp.int8 if task.num_agents < 128 else xp.int32
        first = xp.cumulative_sum(xp.astype(takes_which, count), axis=-2, dtype=count) == 1
        takes_which = takes_which & first
        takes_one, newly_held = xp.any(takes_which, axis=-1), xp.any(takes_which, axis=-2)
    held = state.held | newly_held
    success = xp.all(held, axis=-1)
    if task.shoots:
        success = success & (bullets > BULLETS_TO_WIN)
        reward = xp.astype(success, xp.float32)
    else:
        reward = xp.sum(xp.astype(newly_held, xp.float32), axis=-1)
    next_state = GridState(position, state.frozen | takes_one, held, state.targets, bullets, state.time + 1)
    return next_state, reward, success


def available_actions(task: GridTask, state: GridState) -> Array:
    """Return ``[..., A, n]`` bool: stay always, moves within the board unless frozen, shoot while y > 5."""
    xp = namespace(state.position)
    x = state.position[..., 0]
    y = state.position[..., 1]
    free = ~state.frozen
    last = task.grid - 1
    columns = [xp.ones_like(free), free & (y > 0), free & (y < last), free & (x > 0), free & (x < last)]
    if task.shoots:
        columns.append(y > SHOOT_ABOVE_Y)
    return xp.stack(columns, axis=-1)


def observe(task: GridTask, state: GridState, same_targets: Array | None = None) -> Array:
    """Return every agent's observation ``[..., A, O]`` float32, in cells.

    Args:
        task: the task.
        state: the state to observe.
        same_targets: an earlier observation with the same targets; copying it is faster than writing them again.
    """
    xp = namespace(state.position)
    shape = (*state.position.shape[:-1], task.obs_size)
    if same_targets is not None:
        obs = xp.asarray(same_targets, copy=True)
    else:
        obs = xp.empty(shape, dtype=xp.float32, device=array_device(state.position))
        if task.own_target:
            obs[..., 2:] = state.targets
        elif not task.shoots:
            obs[..., 2:] = xp.reshape(state.targets, (*shape[:-2], 1, -1))
    obs[..., :2] = state.position
    if task.shoots:
        obs[..., 2] = state.bullets[..., None]
    return obs


def global_state(task: GridTask, state: GridState) -> Array:
    """Return the global state ``[..., K]`` float32, in cells (and bullets)."""
    xp = namespace(state.position)
    rest = xp.astype(state.bullets, xp.float32)[..., None] if task.shoots else _flat(xp, state.targets)
    return xp.concat([_flat(xp, state.position), rest], axis=-1)


def _flat(xp: Any, places: Array) -> Array:
    """``[..., A, 2]`` integers -> ``[..., 2A]`` float32."""
    return xp.astype(xp.reshape(places, (*places.shape[:-2], -1)), xp.float32)
