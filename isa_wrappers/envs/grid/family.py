"""The grid tasks as a family: the paper's, and the locked room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.envs.family import EnvFamily, called, refuse_workers
from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.room_batch import RoomBatch
from isa_wrappers.envs.grid.room_parallel import RoomParallelEnv
from isa_wrappers.envs.grid.room_rules import locked_room
from isa_wrappers.envs.grid.rules import grid_task
from isa_wrappers.envs.masked import MaskedParallelEnv

TASKS = {
    "grid/navigation": "7 agents each take one of 7 landmarks; +1 a landmark",
    "grid/unlock": "7 agents each open their own lock; +1 a lock",
    "grid/shooting": "3 agents hold 3 posts and shoot more than 50 bullets together; +1 on success",
    "grid/locked_room": "2 agents push a gate open in a room 15 steps away and pass it; +1 on success",
}
"""Task names and what they ask for."""
LOCKED_ROOM = "grid/locked_room"


class GridFamily(EnvFamily):
    """``grid/NAME``: batched by themselves, on NumPy or torch."""

    prefix = "grid"
    description = "the paper's grid tasks, and one that random play does not reach"

    def tasks(self) -> Mapping[str, str]:
        """Return :data:`TASKS`."""
        return TASKS

    def parallel(self, name: str, **kwargs: Any) -> MaskedParallelEnv:
        """Make one copy."""
        if name == LOCKED_ROOM:
            room: MaskedParallelEnv = called(name, RoomParallelEnv, (), kwargs)
            return room
        env: MaskedParallelEnv = called(name, GridParallelEnv, (self.short(name),), kwargs)
        return env

    def batch(
        self,
        name: str,
        num_envs: int,
        device: str | None = None,
        state_fallback: str | None = None,
        success_rule: SuccessRule = "success",
        workers: int = 0,
        **kwargs: Any,
    ) -> BatchEnv:
        """Make a batch; its states and successes are its own, so the rules for those are not asked."""
        refuse_workers(name, workers)
        if name == LOCKED_ROOM:
            return RoomBatch(called(name, locked_room, (), kwargs), num_envs, device)
        return GridBatch(called(name, grid_task, (self.short(name),), kwargs), num_envs, device)


FAMILY = GridFamily()
