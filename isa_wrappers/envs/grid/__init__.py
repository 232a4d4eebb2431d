"""The paper's grid tasks (its Section 5)."""

from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.rules import GridTask, grid_task

__all__ = ["GridBatch", "GridParallelEnv", "GridTask", "grid_task"]
