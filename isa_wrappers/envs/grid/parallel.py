"""The grid tasks as a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.envs.grid import rules
from isa_wrappers.envs.grid.board import BoardParallelEnv
from isa_wrappers.envs.grid.render import draw_grid, grid_text
from isa_wrappers.envs.grid.rules import ACTION_NAMES, HORIZON, MOVES, GridState, grid_task


class GridParallelEnv(BoardParallelEnv[GridState]):
    """One copy of a grid task.

    An observation contains ``"observation"`` (float32, in cells) and ``"action_mask"`` (int8). An unavailable action
    counts as stay. Success terminates the episode for every agent, and the horizon truncates it.

    Args:
        name: ``navigation``, ``unlock`` or ``shooting``.
        num_agents: number of agents, A; 7, 7 and 3 by default.
        grid: side length of the board; 20, 20 and 10 by default.
        horizon: steps until truncation.
        targets: ``"listed"``, ``"random"`` (drawn each episode from the seed) or A pairs (x, y).
        render_mode: ``"rgb_array"``, ``"ansi"`` or ``None``.

    Attributes:
        task: the task with all options resolved.
        horizon: steps until truncation.
        state_space: the space of :meth:`state`.
        state_names: a name for each dimension of :meth:`state`.
        action_names: a name for each action.

    Raises:
        InvalidValueError: if an option is out of range.

    Example:
        >>> env = GridParallelEnv("unlock", num_agents=1, targets=[(0, 1)])
        >>> observations, infos = env.reset(seed=0)
        >>> observations["agent_0"]["observation"].tolist(), observations["agent_0"]["action_mask"].tolist()
        ([0.0, 0.0, 0.0, 1.0], [1, 0, 1, 0, 1])
        >>> _, rewards, terminations, _, infos = env.step({"agent_0": 2})
        >>> rewards, terminations, infos
        ({'agent_0': 1.0}, {'agent_0': True}, {'agent_0': {'success': True}})
    """

    rules = rules
    draw, text = staticmethod(draw_grid), staticmethod(grid_text)

    def __init__(
        self,
        name: str,
        num_agents: int | None = None,
        grid: int | None = None,
        horizon: int = HORIZON,
        targets: str | Sequence[Sequence[int]] = "listed",
        render_mode: str | None = None,
    ) -> None:
        task = grid_task(name, num_agents, grid, horizon, targets)
        self._set_up(task, MOVES, render_mode)
        self.metadata = {**self.metadata, "name": f"grid/{name}"}
        self._set_spaces(task.agents, self._box(task.obs_size), task.num_actions)
        self.action_names = ACTION_NAMES[: task.num_actions]
        self.state_space = self._box(task.state_size)

    @property
    def grid_state(self) -> GridState:
        """The full current state, for :func:`~isa_wrappers.envs.grid.render.draw_grid`.

        Raises:
            InvalidValueError: before the first reset.
        """
        return self._current_state

    def _begin(self) -> GridState:
        return rules.start_state(self.task, self._draw_targets())

    def _box(self, size: int) -> spaces.Box:
        """Return the space of ``size`` features: all are cells except the bullets, which come last."""
        high = np.full(size, self.task.grid - 1, dtype=np.float32)
        if self.task.shoots:
            high[-1] = self.task.num_agents * self.task.horizon
        return spaces.Box(np.zeros_like(high), high, dtype=np.float32)

    def _draw_targets(self) -> npt.NDArray[np.int32]:
        """Return the targets of this episode, ``[A, 2]``: fixed ones, or distinct random cells other than the start."""
        if self.task.targets is not None:
            return np.array(self.task.targets, dtype=np.int32)
        side = self.task.grid
        start_cell = self.task.start[0] * side + self.task.start[1]
        cells = np.delete(np.arange(side * side), start_cell)
        chosen = self.np_random.choice(cells, self.task.num_agents, replace=False)
        return np.stack(np.divmod(chosen, side), axis=-1).astype(np.int32)
