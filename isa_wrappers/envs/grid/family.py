"""The family of grid tasks: the paper's tasks, the locked room and the dials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.envs.family import EnvFamily, call_factory
from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.dials_batch import DialsBatch
from isa_wrappers.envs.grid.dials_parallel import DialsParallelEnv
from isa_wrappers.envs.grid.dials_rules import dials_task
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.room_batch import RoomBatch
from isa_wrappers.envs.grid.room_parallel import RoomParallelEnv
from isa_wrappers.envs.grid.room_rules import locked_room
from isa_wrappers.envs.grid.rules import grid_task
from isa_wrappers.envs.grid.truth import true_scope_of
from isa_wrappers.envs.masked import MaskedParallelEnv
from isa_wrappers.scope.influence import InfluenceScope

TASKS = {
    "grid/navigation": "7 agents each take one of 7 landmarks; +1 per landmark",
    "grid/unlock": "7 agents each open their own lock; +1 per lock",
    "grid/shooting": "3 agents hold 3 posts and shoot more than 50 bullets together; +1 on success",
    "grid/locked_room": "2 agents push open a gate in a room 15 steps away and pass through it; +1 on success",
    "grid/dials": "2 agents set 4 dials; all agents can turn a fraction of them (overlap); +1 on success",
}
"""Task names and short descriptions."""
FURTHER: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., BatchEnv]]] = {
    "grid/locked_room": (RoomParallelEnv, locked_room, RoomBatch),
    "grid/dials": (DialsParallelEnv, dials_task, DialsBatch),
}
"""Tasks beyond the paper: the environment class, the function that describes the task, and the batch class."""


class GridFamily(EnvFamily):
    """``grid/NAME``: natively batched tasks, on NumPy or torch."""

    prefix = "grid"
    description = "the paper's grid tasks, one that random play does not solve, and one with an overlap option"

    def tasks(self) -> Mapping[str, str]:
        """Return :data:`TASKS`."""
        return TASKS

    def parallel(self, name: str, **kwargs: Any) -> MaskedParallelEnv:
        """Create one copy."""
        make, arguments = (FURTHER[name][0], ()) if name in FURTHER else (GridParallelEnv, (self.short(name),))
        env: MaskedParallelEnv = call_factory(name, make, arguments, kwargs)
        return env

    def native_batch(self, name: str) -> Callable[..., BatchEnv]:
        """Return a function that creates the batched environment of a task."""
        make = FURTHER[name][2] if name in FURTHER else GridBatch
        return lambda num_envs, device, **kwargs: make(self.task(name, **kwargs), num_envs, device)

    def true_scope(self, name: str, **kwargs: Any) -> InfluenceScope:
        """Return the dimensions that each action can change, according to the rules."""
        return true_scope_of(self.task(name, **kwargs))

    def task(self, name: str, **kwargs: Any) -> Any:
        """Return the task with all options resolved."""
        if name in FURTHER:
            return call_factory(name, FURTHER[name][1], (), kwargs)
        return call_factory(name, grid_task, (self.short(name),), kwargs)


FAMILY = GridFamily()
