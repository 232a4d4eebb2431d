"""The locked room as a batched environment on NumPy or any torch device, without loops over copies."""

from __future__ import annotations

from isa_wrappers.arrays import Array
from isa_wrappers.envs.grid import room_rules
from isa_wrappers.envs.grid.board_batch import BoardBatch
from isa_wrappers.envs.grid.room_render import ROOM_LEGEND, draw_room
from isa_wrappers.envs.grid.room_rules import ACTION_NAMES, MOVES, RoomState, RoomTask


class RoomBatch(BoardBatch[RoomState]):
    """``num_envs`` copies of the locked room stepped together; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    Args:
        task: task description from :func:`~isa_wrappers.envs.grid.room_rules.locked_room`.
        num_envs: number of copies, B.
        device: ``None`` for NumPy, else a torch device.
        seed: seed of the lamp.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.envs.grid.room_rules import locked_room
        >>> env = RoomBatch(locked_room(), num_envs=1)
        >>> _ = env.reset()
        >>> env.step(np.array([[4, 5]])).state.tolist()  # the second agent pushes in the corridor
        [[1.0, 1.0, 0.0, 1.0, 0.0, 0.0]]
    """

    rules = room_rules
    draw = staticmethod(draw_room)
    legend = ROOM_LEGEND
    stream = "lamp"

    def __init__(self, task: RoomTask, num_envs: int, device: str | None = None, seed: int = 0) -> None:
        super().__init__(task, num_envs, MOVES, ACTION_NAMES, device, seed)

    def _rule_arguments(self) -> tuple[Array, ...]:
        return (self._rng.uniform(self.num_envs),)
