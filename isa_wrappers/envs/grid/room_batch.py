"""The locked room as a batched environment on NumPy or any torch device: no Python loop over environments."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, Rng, backend, namespace, to_numpy
from isa_wrappers.batch.protocol import BatchStep
from isa_wrappers.border.names import ActionNames
from isa_wrappers.envs.grid.room_render import draw_room
from isa_wrappers.envs.grid.room_rules import (
    ACTION_NAMES,
    MOVES,
    RoomState,
    RoomTask,
    advance,
    available_actions,
    global_state,
    observe,
    start_state,
)
from isa_wrappers.errors import check_int


class RoomBatch:
    """``num_envs`` copies of the locked room stepped together; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    Args:
        task: from :func:`~isa_wrappers.envs.grid.room_rules.locked_room`.
        num_envs: B.
        device: ``None`` for NumPy, else a torch device.
        seed: of the lamp.

    Example:
        >>> from isa_wrappers.envs.grid.room_rules import locked_room
        >>> env = RoomBatch(locked_room(), num_envs=1)
        >>> _ = env.reset()
        >>> env.step(np.array([[4, 5]])).state.tolist()  # the second pushes in the corridor
        [[1.0, 1.0, 0.0, 1.0, 0.0, 0.0]]
    """

    def __init__(self, task: RoomTask, num_envs: int, device: str | None = None, seed: int = 0) -> None:
        self.task = task
        self.num_envs = check_int("num_envs", num_envs, 1)
        self.agents = task.agents
        self.obs_size = task.obs_size
        self.state_size = task.state_size
        self.num_actions = (len(ACTION_NAMES),) * task.num_agents
        self.horizon = task.horizon
        self.state_names = task.state_names
        self.action_names: ActionNames = ACTION_NAMES
        self.device = device
        xp = backend(device)
        self._moves = xp.asarray(MOVES, dtype=xp.int32, device=device)
        self._rng = Rng(seed, device, "lamp")
        self._start = start_state(task, xp.zeros(num_envs, dtype=xp.int32, device=device))
        self._state = self._last = self._start

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh."""
        if seed is not None:
            self._rng = Rng(seed, self.device, "lamp")
        self._state = self._last = self._start
        return self._first_step()

    def _first_step(self) -> BatchStep:
        reward = namespace(self._state.position).zeros_like(observe(self.task, self._state)[..., 0])
        no = self._state.time < 0
        return self._step_of(self._state, reward, no, no)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy by ``actions`` ``[B, A]``; finished ones start their next episode."""
        draws = self._rng.uniform(self.num_envs)
        state, reward, success = advance(self.task, self._state, actions, self._moves, draws)
        xp = namespace(reward)
        truncated = (state.time >= self.task.horizon) & ~success
        self._last, self._state = state, _where(success | truncated, self._start, state)
        everyone = xp.broadcast_to(reward[:, None], (self.num_envs, self.task.num_agents))
        return self._step_of(state, everyone, success, truncated)

    def _step_of(self, final: RoomState, reward: Array, success: Array, truncated: Array) -> BatchStep:
        """Say what is seen now, and what was in ``final``, before any automatic reset."""
        alive = self._state.position[..., 0] >= 0
        return BatchStep(
            obs=observe(self.task, self._state),
            state=global_state(self.task, self._state),
            available=available_actions(self.task, self._state),
            alive=alive,
            reward=reward,
            terminated=success,
            truncated=truncated,
            success=success,
            final_obs=observe(self.task, final),
            final_state=global_state(self.task, final),
            final_alive=alive,
        )

    def render(self, index: int = 0, goal: Array | None = None) -> npt.NDArray[np.uint8]:
        """Draw one copy as it was before any automatic reset of the last step; see :func:`draw_room`."""
        one = {f.name: to_numpy(getattr(self._last, f.name)[index]) for f in fields(RoomState)}
        return draw_room(self.task, RoomState(**one), None if goal is None else to_numpy(goal))

    def state_dict(self) -> dict[str, Array]:
        """Return the copies' states and the lamp's generator."""
        xp = backend(self.device)
        state = {f.name: xp.asarray(getattr(self._state, f.name), copy=True) for f in fields(RoomState)}
        return {**state, "rng": self._rng.get_state()}

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore a saved state."""
        self._rng.set_state(state["rng"])
        xp = backend(self.device)
        self._state = RoomState(**{f.name: xp.asarray(state[f.name], device=self.device) for f in fields(RoomState)})
        return self._first_step()


def _where(done: Array, start: RoomState, state: RoomState) -> RoomState:
    """Take ``start`` where ``done`` ``[B]``, else ``state``."""
    xp = namespace(done)
    chosen = {}
    for f in fields(RoomState):
        fresh, going = getattr(start, f.name), getattr(state, f.name)
        chosen[f.name] = xp.where(xp.reshape(done, (-1,) + (1,) * (going.ndim - 1)), fresh, going)
    return RoomState(**chosen)
