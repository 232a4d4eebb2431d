"""The grid tasks as a batched environment on NumPy or any torch device: no Python loop over environments."""

from __future__ import annotations

from isa_wrappers.arrays import Array, backend
from isa_wrappers.envs.grid import rules
from isa_wrappers.envs.grid.board_batch import BoardBatch
from isa_wrappers.envs.grid.render import draw_grid, grid_legend
from isa_wrappers.envs.grid.rules import ACTION_NAMES, MOVES, GridState, GridTask


class GridBatch(BoardBatch[GridState]):
    """``num_envs`` copies of a grid task stepped together; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    Args:
        task: task description from :func:`~isa_wrappers.envs.grid.rules.grid_task`.
        num_envs: number of copies, B.
        device: ``None`` for NumPy, else a torch device.
        seed: seed of the targets, if they are random.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.envs.grid.rules import grid_task
        >>> env = GridBatch(grid_task("unlock", num_agents=2), num_envs=4)
        >>> env.reset().obs.shape
        (4, 2, 4)
        >>> env.step(np.full((4, 2), 2)).state[0].tolist()
        [0.0, 1.0, 0.0, 1.0, 12.0, 5.0, 12.0, 14.0]
    """

    rules, draw = rules, staticmethod(draw_grid)
    stream = "targets"

    def __init__(self, task: GridTask, num_envs: int, device: str | None = None, seed: int = 0) -> None:
        super().__init__(task, num_envs, MOVES, ACTION_NAMES[: task.num_actions], device, seed)
        self.starts_vary, self.legend = task.targets is None, grid_legend(task)
        self._target_observation = None if self.starts_vary else rules.observe(task, self._start)

    def _begin(self) -> GridState:
        return rules.start_state(self.task, self._draw_targets())

    def _draw_targets(self) -> Array:
        """Return the next targets ``[B, A, 2]``: the fixed ones, or distinct random cells other than the start."""
        xp, task = backend(self.device), self.task
        if task.targets is not None:
            fixed = xp.asarray(task.targets, dtype=xp.int32, device=self.device)
            return xp.broadcast_to(fixed, (self.num_envs, *fixed.shape))
        order = xp.argsort(self._rng.uniform(self.num_envs, task.grid**2 - 1), axis=-1)[:, : task.num_agents]
        start_cell = task.start[0] * task.grid + task.start[1]
        order = xp.where(order >= start_cell, order + 1, order)
        return xp.astype(xp.stack([order // task.grid, order % task.grid], axis=-1), xp.int32)

    def _observe(self, state: GridState) -> Array:
        return rules.observe(self.task, state, self._target_observation)
