"""The paper's tasks, and names for environments."""

from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.rules import GridTask, grid_task
from isa_wrappers.envs.mpe import MPEParallelEnv
from isa_wrappers.envs.registry import TASKS, available_tasks, estimate_task_scope, make_batch, make_parallel
from isa_wrappers.envs.smac.parallel import SMACParallelEnv

__all__ = [
    "TASKS",
    "GridBatch",
    "GridParallelEnv",
    "GridTask",
    "MPEParallelEnv",
    "SMACParallelEnv",
    "available_tasks",
    "estimate_task_scope",
    "grid_task",
    "make_batch",
    "make_parallel",
]
