"""The locked room as a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from isa_wrappers.arrays import Array
from isa_wrappers.envs.grid import room_rules
from isa_wrappers.envs.grid.board import BoardParallelEnv
from isa_wrappers.envs.grid.room_render import draw_room, room_text
from isa_wrappers.envs.grid.room_rules import ACTION_NAMES, HORIZON, MOVES, NOTCHES, ROOM, VAULT, RoomState, locked_room


class RoomParallelEnv(BoardParallelEnv[RoomState]):
    """One copy of the locked room.

    An observation contains ``"observation"`` (float32: own x and y, gate, lamp) and ``"action_mask"`` (int8). An
    unavailable action counts as stay. Success terminates the episode for every agent, and the horizon truncates it.

    Args:
        num_agents: number of agents, A.
        horizon: steps until truncation.
        push_anywhere: allow pushing in the corridor too, where it has no effect.
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
        >>> env = RoomParallelEnv(num_agents=1)
        >>> observations, infos = env.reset(seed=0)
        >>> observations["agent_0"]["action_mask"].tolist()  # only the right is free, and there is nothing to push
        [1, 0, 0, 0, 1, 0]
    """

    metadata: dict[str, Any] = {**BoardParallelEnv.metadata, "name": "grid/locked_room"}  # noqa: RUF012
    rules = room_rules
    draw, text = staticmethod(draw_room), staticmethod(room_text)

    def __init__(
        self,
        num_agents: int = 2,
        horizon: int = HORIZON,
        push_anywhere: bool = False,
        render_mode: str | None = None,
    ) -> None:
        task = locked_room(num_agents, horizon, push_anywhere)
        self._set_up(task, MOVES, render_mode)
        self._set_spaces(task.agents, _box(VAULT, ROOM - 1, NOTCHES, 1), len(ACTION_NAMES))
        self.action_names = ACTION_NAMES
        self.state_space = _box(*(VAULT, ROOM - 1) * num_agents, NOTCHES, 1)

    @property
    def room_state(self) -> RoomState:
        """The full current state, for :func:`~isa_wrappers.envs.grid.room_render.draw_room`.

        Raises:
            InvalidValueError: before the first reset.
        """
        return self._current_state

    def _rule_arguments(self) -> tuple[Array, ...]:
        return (np.asarray(self.np_random.random()),)


def _box(*high: int) -> spaces.Box:
    """Return the space of features from 0 to ``high``."""
    return spaces.Box(np.zeros(len(high), dtype=np.float32), np.array(high, dtype=np.float32), dtype=np.float32)
