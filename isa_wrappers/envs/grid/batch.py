"""The grid tasks as a batched environment on NumPy or any torch device: no Python loop over environments."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, backend, namespace, surely_none
from isa_wrappers.batch.protocol import BatchStep
from isa_wrappers.envs.drawing import Mark
from isa_wrappers.envs.grid.board import BoardBatch, where_done
from isa_wrappers.envs.grid.render import draw_grid, grid_legend
from isa_wrappers.envs.grid.rules import (
    ACTION_NAMES,
    MOVES,
    GridState,
    GridTask,
    advance,
    available_actions,
    global_state,
    observe,
    start_state,
)


class GridBatch(BoardBatch[GridState]):
    """``num_envs`` copies of a grid task stepped together; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    Args:
        task: from :func:`~isa_wrappers.envs.grid.rules.grid_task`.
        num_envs: B.
        device: ``None`` for NumPy, else a torch device.
        seed: of the targets, where they are drawn.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.envs.grid.rules import grid_task
        >>> env = GridBatch(grid_task("unlock", num_agents=2), num_envs=4)
        >>> env.reset().obs.shape
        (4, 2, 4)
        >>> env.step(np.full((4, 2), 2)).state[0].tolist()
        [0.0, 1.0, 0.0, 1.0, 12.0, 5.0, 12.0, 14.0]
    """

    stream = "targets"

    def __init__(self, task: GridTask, num_envs: int, device: str | None = None, seed: int = 0) -> None:
        super().__init__(task, num_envs, MOVES, ACTION_NAMES[: task.num_actions], device, seed)
        xp = backend(device)
        if task.targets is not None:
            fixed = xp.asarray(task.targets, dtype=xp.int32, device=device)
            self._fixed_targets = xp.broadcast_to(fixed, (num_envs, *fixed.shape))
        self._restart()
        self._state = self._last = self._start

    def _draw_targets(self) -> Array:
        """Return this episode's targets ``[B, A, 2]``: the fixed ones or distinct cells other than the start."""
        if self.task.targets is not None:
            return self._fixed_targets
        xp = backend(self.device)
        cells = self.task.grid * self.task.grid
        order = xp.argsort(self._rng.uniform(self.num_envs, cells - 1), axis=-1)[:, : self.task.num_agents]
        start_cell = self.task.start[0] * self.task.grid + self.task.start[1]
        order = xp.where(order >= start_cell, order + 1, order)
        return xp.astype(xp.stack([order // self.task.grid, order % self.task.grid], axis=-1), xp.int32)

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh."""
        self._seed(seed)
        self._restart()
        self._state = self._last = self._start
        return self._first_step()

    def _restart(self) -> None:
        """Prepare the state that episodes start from next, and what is seen of it."""
        self._start = start_state(self.task, self._draw_targets())
        self._start_obs = observe(self.task, self._start)
        self._start_global = global_state(self.task, self._start)

    def _first_step(self) -> BatchStep:
        obs, state = observe(self.task, self._state), global_state(self.task, self._state)
        xp = namespace(obs)
        alive = xp.ones_like(self._state.frozen)
        no = xp.zeros_like(self._state.time) > 0
        return BatchStep(
            obs=obs,
            state=state,
            available=available_actions(self.task, self._state),
            alive=alive,
            reward=xp.zeros_like(obs[..., 0]),
            terminated=no,
            truncated=no,
            success=no,
            final_obs=obs,
            final_state=state,
            final_alive=alive,
        )

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy by ``actions`` ``[B, A]``; finished ones start their next episode."""
        state, reward, success = advance(self.task, self._state, actions, self._moves)
        xp = namespace(reward)
        truncated = (state.time >= self.task.horizon) & ~success
        done = success | truncated
        fixed = None if self.task.targets is None else self._start_obs
        obs = final_obs = observe(self.task, state, fixed)
        current = final_state = global_state(self.task, state)
        if self.task.targets is None:
            self._restart()
        self._last = self._state = state
        if not surely_none(done):
            self._state = where_done(done, self._start, state)
            obs = observe(self.task, self._state, fixed)
            current = xp.where(done[:, None], self._start_global, final_state)
        alive = xp.ones_like(state.frozen)
        return BatchStep(
            obs=obs,
            state=current,
            available=available_actions(self.task, self._state),
            alive=alive,
            reward=xp.broadcast_to(reward[:, None], alive.shape),
            terminated=success,
            truncated=truncated,
            success=success,
            final_obs=final_obs,
            final_state=final_state,
            final_alive=alive,
        )

    @property
    def legend(self) -> tuple[Mark, ...]:
        """What is drawn."""
        return grid_legend(self.task)

    def _picture(self, state: GridState, goal: Array | None) -> npt.NDArray[np.uint8]:
        return draw_grid(self.task, state, goal)
