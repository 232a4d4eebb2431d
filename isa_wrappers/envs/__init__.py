"""Task families, environment names and the paper's tasks.

To add a family, subclass :class:`EnvFamily`; ``isa_wrappers.envs.registry`` describes how to register it.
"""

from isa_wrappers.envs.family import EnvFamily
from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.family import TASKS
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.rules import GridTask, grid_task
from isa_wrappers.envs.mpe import MPEParallelEnv
from isa_wrappers.envs.registry import (
    FAMILIES,
    available_tasks,
    family_of,
    make_batch,
    make_parallel,
)
from isa_wrappers.envs.smac.parallel import SMACParallelEnv
from isa_wrappers.envs.task_scope import estimate_task_scope, true_task_scope

__all__ = [
    "FAMILIES",
    "TASKS",
    "EnvFamily",
    "GridBatch",
    "GridParallelEnv",
    "GridTask",
    "MPEParallelEnv",
    "SMACParallelEnv",
    "available_tasks",
    "estimate_task_scope",
    "family_of",
    "grid_task",
    "make_batch",
    "make_parallel",
    "true_task_scope",
]
