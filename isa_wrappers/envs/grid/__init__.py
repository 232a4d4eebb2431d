"""The paper's grid tasks (its Section 5), and a locked room whose decisive effect random play does not reach."""

from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.room_batch import RoomBatch
from isa_wrappers.envs.grid.room_parallel import RoomParallelEnv
from isa_wrappers.envs.grid.room_rules import RoomTask, locked_room
from isa_wrappers.envs.grid.rules import GridTask, grid_task

__all__ = [
    "GridBatch",
    "GridParallelEnv",
    "GridTask",
    "RoomBatch",
    "RoomParallelEnv",
    "RoomTask",
    "grid_task",
    "locked_room",
]
