"""The paper's grid tasks as a family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.envs.family import EnvFamily, called, refuse_workers
from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.rules import grid_task

TASKS = {
    "grid/navigation": "7 agents each take one of 7 landmarks; +1 a landmark",
    "grid/unlock": "7 agents each open their own lock; +1 a lock",
    "grid/shooting": "3 agents hold 3 posts and shoot more than 50 bullets together; +1 on success",
}
"""Task names and what they ask for."""


class GridFamily(EnvFamily):
    """``grid/NAME``: batched by themselves, on NumPy or torch."""

    prefix = "grid"
    description = "the paper's grid tasks"

    def tasks(self) -> Mapping[str, str]:
        """Return :data:`TASKS`."""
        return TASKS

    def parallel(self, name: str, **kwargs: Any) -> GridParallelEnv:
        """Make one copy."""
        env: GridParallelEnv = called(name, GridParallelEnv, (self.short(name),), kwargs)
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
        return GridBatch(called(name, grid_task, (self.short(name),), kwargs), num_envs, device)


FAMILY = GridFamily()
