"""Dials that agents turn: a task with an option for the fraction of the state that all agents influence.

The same rules work with any backend and any leading axes. There are K dials with positions from 0 to P-1, all starting
at 0. Every agent can turn the ``overlap * K`` shared dials; each of the others belongs to one agent. The team wins when
every dial is at its target. Every agent observes every dial. The overlap therefore changes only which agent can turn
which dial, and not the state, the observations or the actions.

Actions: 0 stay, 1 + 2k turns dial k down, 2 + 2k turns it up. Turning another agent's dial or turning past an end is
unavailable. Turns of several agents at one dial add up.
"""

from __future__ import annotations

from dataclasses import dataclass

from isa_wrappers.arrays import Array, namespace
from isa_wrappers.errors import InvalidValueError, check_float, check_int

HORIZON = 60
DIALS = 4
POSITIONS = 6


@dataclass(frozen=True)
class DialsTask:
    """The dials with all options resolved; created by :func:`dials_task`.

    Attributes:
        num_agents: number of agents, A.
        overlap: fraction of the dials that every agent can turn.
        dials: number of dials, K.
        positions: number of positions of each dial, P.
        horizon: steps after which an episode is truncated.
    """

    num_agents: int
    overlap: float
    dials: int
    positions: int
    horizon: int

    @property
    def agents(self) -> tuple[str, ...]:
        """Agent names."""
        return tuple(f"agent_{i}" for i in range(self.num_agents))

    @property
    def owners(self) -> tuple[int | None, ...]:
        """Owner of each dial; ``None`` for the shared ones, which come first."""
        shared = round(self.overlap * self.dials)
        own = self.dials - shared
        return (None,) * shared + tuple(k * self.num_agents // own for k in range(own))

    @property
    def targets(self) -> tuple[int, ...]:
        """Target of each dial: 1, 2 and so on up to P-1, then 1 again."""
        return tuple(1 + k % (self.positions - 1) for k in range(self.dials))

    @property
    def turns(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """``[A, n, K]``: how far each action of each agent turns each dial; 0 if the agent cannot turn it."""
        size, owners = range(self.dials), self.owners
        return tuple(
            (
                (0,) * self.dials,
                *(tuple(way * (j == k and owners[k] in (None, i)) for j in size) for k in size for way in (-1, 1)),
            )
            for i in range(self.num_agents)
        )

    @property
    def action_names(self) -> tuple[str, ...]:
        """A name for each action."""
        return ("stay", *(f"{name}.{way}" for name in self.state_names for way in ("down", "up")))

    @property
    def obs_size(self) -> int:
        """Length O of one agent's observation: every dial."""
        return self.dials

    @property
    def state_size(self) -> int:
        """Length K of the global state."""
        return self.dials

    @property
    def state_names(self) -> tuple[str, ...]:
        """A name for each dimension of the global state."""
        return tuple(f"dial_{k}" for k in range(self.dials))


def dials_task(
    num_agents: int = 2, overlap: float = 0.5, dials: int = DIALS, positions: int = POSITIONS, horizon: int = HORIZON
) -> DialsTask:
    """Describe the task.

    Args:
        num_agents: number of agents, A.
        overlap: fraction of the dials that every agent can turn, rounded to whole dials; the agents divide the others.
        dials: number of dials, K; at least one per agent.
        positions: number of positions of each dial, P.
        horizon: steps until truncation.

    Raises:
        InvalidValueError: if an option is out of range.

    Example:
        >>> dials_task(dials=4).owners, dials_task(dials=4, overlap=0).owners
        ((None, None, 0, 1), (0, 0, 1, 1))
    """
    agents = check_int("num_agents", num_agents, 1)
    if check_int("dials", dials, 1) < agents:
        raise InvalidValueError(f"dials must be at least {agents}, one per agent, got {dials}")
    return DialsTask(
        num_agents=agents,
        overlap=check_float("overlap", overlap, 0.0, 1.0),
        dials=dials,
        positions=check_int("positions", positions, 2),
        horizon=check_int("horizon", horizon, 1),
    )


@dataclass(frozen=True)
class DialsState:
    """Everything that changes; all fields share the same leading axes ``...``.

    Attributes:
        dial: ``[..., K]`` int32, position of each dial.
        time: ``[...]`` int32, steps since the start.
    """

    dial: Array
    time: Array


def start_state(task: DialsTask, template: Array) -> DialsState:
    """Return the initial state; ``template`` ``[...]`` int32 determines the leading axes and the backend."""
    xp = namespace(template)
    zeros = xp.zeros_like(template)
    return DialsState(xp.stack([zeros] * task.dials, axis=-1), zeros)


def advance(
    task: DialsTask, state: DialsState, actions: Array, turns: Array, targets: Array
) -> tuple[DialsState, Array, Array]:
    """Apply the joint action ``[..., A]``; an unavailable action counts as stay.

    Args:
        task: the task.
        state: state before the step.
        actions: ``[..., A]`` integers in [0, n).
        turns: :attr:`DialsTask.turns` as an int32 array of the state's backend.
        targets: :attr:`DialsTask.targets` likewise.

    Returns:
        The next state, the team reward ``[...]`` float32 and success ``[...]`` bool.
    """
    xp, last = namespace(state.dial), task.positions - 1
    before = state.dial[..., None, :]
    # Clip each agent's turn before adding them up: a turn past an end is unavailable, so it counts as stay.
    turned = xp.stack([turns[i][actions[..., i]] for i in range(task.num_agents)], axis=-2)
    turned = xp.clip(before + turned, 0, last) - before
    dial = xp.clip(state.dial + xp.sum(turned, axis=-2, dtype=turned.dtype), 0, last)
    success = xp.all(dial == targets, axis=-1)
    return DialsState(dial, state.time + 1), xp.astype(success, xp.float32), success


def available_actions(task: DialsTask, state: DialsState, turns: Array) -> Array:
    """Return ``[..., A, n]`` bool: stay is always available; so are turns of the agent's dials, up to their ends."""
    xp = namespace(state.dial)
    after = state.dial[..., None, None, :] + turns
    inside = xp.all((after >= 0) & (after < task.positions), axis=-1)
    stays = xp.arange(turns.shape[-2], device=turns.device) == 0
    return (inside & xp.any(turns != 0, axis=-1)) | stays


def observe(task: DialsTask, state: DialsState) -> Array:
    """Return every agent's observation ``[..., A, K]`` float32: every dial."""
    xp = namespace(state.dial)
    return xp.stack([xp.astype(state.dial, xp.float32)] * task.num_agents, axis=-2)


def global_state(task: DialsTask, state: DialsState) -> Array:
    """Return the global state ``[..., K]`` float32: every dial."""
    xp = namespace(state.dial)
    return xp.astype(state.dial, xp.float32)
