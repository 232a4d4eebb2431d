"""Derive from the rules which dimensions each action of the grid tasks can move: the ground truth for an estimate."""

from __future__ import annotations

from dataclasses import replace

from isa_wrappers.envs.grid import room_rules, rules
from isa_wrappers.envs.grid.dials_rules import DialsTask
from isa_wrappers.envs.grid.room_rules import RoomTask
from isa_wrappers.envs.grid.rules import GridTask
from isa_wrappers.scope.influence import InfluenceScope

FIGURE = "what the rules say"
OWN = {"down": "y", "up": "y", "left": "x", "right": "x"}
COMMON = {"shoot": "bullets", "push": "gate"}


def true_scope_of(task: GridTask | RoomTask | DialsTask) -> InfluenceScope:
    """Return the scope that follows from a task's rules: 1 for dimensions that an action can move, else 0.

    In the corridor of the locked room, agents slide when they do not walk. Staying still counts as moving nothing; a
    move counts by its difference from staying.

    Example:
        >>> from isa_wrappers.envs.grid.rules import grid_task
        >>> scope = true_scope_of(grid_task("shooting", num_agents=2))
        >>> scope.common_dims, scope.special_dims
        ([4], [[0, 1], [2, 3]])
    """
    if isinstance(task, DialsTask):
        names = task.action_names
        rows = [[[k for k, turn in enumerate(action) if turn] for action in agent] for agent in task.turns]
    else:
        names = room_rules.ACTION_NAMES if isinstance(task, RoomTask) else rules.ACTION_NAMES[: task.num_actions]
        index = {name: k for k, name in enumerate(task.state_names)}
        rows = [[_moved_dims(agent, action, index) for action in names] for agent in task.agents]
    scope = InfluenceScope.from_dimensions(dict(zip(task.agents, rows, strict=True)), task.state_size)
    return replace(scope, state_names=task.state_names, action_names=names, figure=FIGURE)


def _moved_dims(agent: str, action: str, index: dict[str, int]) -> list[int]:
    """Return the dimensions that an action moves in the paper's tasks and in the locked room."""
    if action in OWN:
        return [index[f"{agent}.{OWN[action]}"]]
    return [index[COMMON[action]]] if action in COMMON else []
