"""The paper's grid tasks (Section 5), a locked room that random play does not reach, and dials with shared control."""

from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.dials_batch import DialsBatch
from isa_wrappers.envs.grid.dials_parallel import DialsParallelEnv
from isa_wrappers.envs.grid.dials_rules import DialsTask, dials_task
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.room_batch import RoomBatch
from isa_wrappers.envs.grid.room_parallel import RoomParallelEnv
from isa_wrappers.envs.grid.room_rules import RoomTask, locked_room
from isa_wrappers.envs.grid.rules import GridTask, grid_task

__all__ = [
    "DialsBatch",
    "DialsParallelEnv",
    "DialsTask",
    "GridBatch",
    "GridParallelEnv",
    "GridTask",
    "RoomBatch",
    "RoomParallelEnv",
    "RoomTask",
    "dials_task",
    "grid_task",
    "locked_room",
]
