"""The dials as a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from isa_wrappers.arrays import Array
from isa_wrappers.envs.grid import dials_rules
from isa_wrappers.envs.grid.board import BoardParallelEnv
from isa_wrappers.envs.grid.dials_render import dials_text, draw_dials
from isa_wrappers.envs.grid.dials_rules import DIALS, HORIZON, POSITIONS, DialsState, dials_task


class DialsParallelEnv(BoardParallelEnv[DialsState]):
    """One copy of the dials.

    An observation contains ``"observation"`` (float32: every dial) and ``"action_mask"`` (int8). An unavailable action
    counts as stay. Success terminates the episode for every agent, and the horizon truncates it.

    Args:
        num_agents: number of agents, A.
        overlap: fraction of the dials that every agent can turn, from 0 to 1.
        dials: number of dials, K.
        positions: number of positions of each dial.
        horizon: steps until truncation.
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
        >>> env = DialsParallelEnv(dials=2, overlap=0.5)
        >>> observations, infos = env.reset(seed=0)
        >>> [seen["action_mask"].tolist() for seen in observations.values()]  # only agent_0 can turn the second dial
        [[1, 0, 1, 0, 1], [1, 0, 1, 0, 0]]
    """

    metadata: dict[str, Any] = {**BoardParallelEnv.metadata, "name": "grid/dials"}  # noqa: RUF012
    rules = dials_rules
    draw, text = staticmethod(draw_dials), staticmethod(dials_text)

    def __init__(
        self,
        num_agents: int = 2,
        overlap: float = 0.5,
        dials: int = DIALS,
        positions: int = POSITIONS,
        horizon: int = HORIZON,
        render_mode: str | None = None,
    ) -> None:
        task = dials_task(num_agents, overlap, dials, positions, horizon)
        self._set_up(task, task.turns, render_mode)
        self._targets = np.array(task.targets, dtype=np.int32)
        high = np.full(task.dials, task.positions - 1, dtype=np.float32)
        self.state_space = spaces.Box(np.zeros_like(high), high, dtype=np.float32)
        self._set_spaces(task.agents, self.state_space, len(task.action_names))
        self.action_names = task.action_names

    @property
    def dials_state(self) -> DialsState:
        """The full current state, for :func:`~isa_wrappers.envs.grid.dials_render.draw_dials`.

        Raises:
            InvalidValueError: before the first reset.
        """
        return self._current_state

    def _rule_arguments(self) -> tuple[Array, ...]:
        return (self._targets,)

    def _available(self) -> Array:
        return dials_rules.available_actions(self.task, self._current_state, self._moves)
