"""The locked room as a batched environment on NumPy or any torch device: no Python loop over environments."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, backend, namespace
from isa_wrappers.batch.protocol import BatchStep
from isa_wrappers.envs.grid.board import BoardBatch, where_done
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


class RoomBatch(BoardBatch[RoomState]):
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

    stream = "lamp"

    def __init__(self, task: RoomTask, num_envs: int, device: str | None = None, seed: int = 0) -> None:
        super().__init__(task, num_envs, MOVES, ACTION_NAMES, device, seed)
        xp = backend(device)
        self._start = start_state(task, xp.zeros(num_envs, dtype=xp.int32, device=device))
        self._state = self._last = self._start

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh."""
        self._seed(seed)
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
        self._last, self._state = state, where_done(success | truncated, self._start, state)
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

    def _picture(self, state: RoomState, goal: Array | None) -> npt.NDArray[np.uint8]:
        return draw_room(self.task, state, goal)
