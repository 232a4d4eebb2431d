"""The locked room as a batched environment on NumPy or any torch device: no Python loop over environments."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, backend
from isa_wrappers.envs.drawing import Mark
from isa_wrappers.envs.grid.room_render import ROOM_LEGEND, draw_room
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
from isa_wrappers.envs.grid.same_start import SameStartBatch


class RoomBatch(SameStartBatch[RoomState]):
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
        self._begin_in(start_state(task, xp.zeros(num_envs, dtype=xp.int32, device=device)))

    def _advance(self, actions: Array) -> tuple[RoomState, Array, Array]:
        return advance(self.task, self._state, actions, self._moves, self._rng.uniform(self.num_envs))

    def _seen(self, state: RoomState) -> tuple[Array, Array]:
        return observe(self.task, state), global_state(self.task, state)

    def _available(self) -> Array:
        return available_actions(self.task, self._state)

    @property
    def legend(self) -> tuple[Mark, ...]:
        """What is drawn."""
        return ROOM_LEGEND

    def _picture(self, state: RoomState, goal: Array | None) -> npt.NDArray[np.uint8]:
        return draw_room(self.task, state, goal)
