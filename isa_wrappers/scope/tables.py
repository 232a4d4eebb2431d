"""Scopes as readable tables."""

from __future__ import annotations

from collections.abc import Sequence

from isa_wrappers.scope.influence import InfluenceScope

MOST_AGENTS = 16
"""Of a larger team not every agent is told in words."""
FIRST = 4
"""So many of it are."""


def scope_table(scope: InfluenceScope) -> str:
    """Return a readable table: one line per agent and action with its dimensions, then D_i, D_c and D_(i-c).

    Of more than :data:`MOST_AGENTS` agents the first few are told, and the others in a line.

    Example:
        >>> scope = InfluenceScope.from_dimensions({"a": [[], [0, 2]]}, state_size=3)
        >>> print(scope_table(scope))
        influence scope of 1 agents over 3 dimensions (numbered, as there are no state_names), delta 0 on normalised \
mutual information
        a: D_i = dimensions 0, 2; special = -
          0            -> -  (largest 0.00)
          1            -> dimensions 0, 2  (largest 1.00)
        common D_c = dimensions 0, 2
    """

    def names(dims: list[int]) -> str:
        return dimensions_told(scope, dims) or "-"

    numbered = "" if scope.state_names or not scope.state_size else " (numbered, as there are no state_names)"
    lines = [
        f"influence scope of {scope.num_agents} agents over {scope.state_size} dimensions{numbered}, "
        f"delta {scope.delta_text} on {scope.figure}"
    ]
    agent_dims, special_dims = scope.agent_dims, scope.special_dims
    told = scope.num_agents if scope.num_agents <= MOST_AGENTS else FIRST
    for i, (agent, actions) in enumerate(list(scope.action_dims.items())[:told]):
        lines.append(f"{agent}: D_i = {names(agent_dims[i])}; special = {names(special_dims[i])}")
        for a, dims in enumerate(actions):
            label = scope.action_name(i, a)
            top = f"  (largest {scope.influence[i, a].max():.2f})" if scope.state_size else ""
            lines.append(f"  {label:<12} -> {names(dims)}{top}")
    if told < scope.num_agents:
        lines.append(_others(scope, agent_dims, told))
    lines.append(f"common D_c = {names(scope.common_dims)}")
    return "\n".join(lines)


def dimensions_told(scope: InfluenceScope, dims: Sequence[int]) -> str:
    """Return dimensions by their names, else by numbers that are told as such; an empty text for none."""
    kind = "" if scope.state_names or not dims else "dimension " if len(dims) == 1 else "dimensions "
    return kind + ", ".join(scope.dim_name(k) for k in dims)


def _others(scope: InfluenceScope, agent_dims: Sequence[Sequence[int]], told: int) -> str:
    """Say of the agents from ``told`` on how many dimensions they move, and who moves none."""
    sizes = [len(dims) for dims in agent_dims[told:]]
    least, most = min(sizes), max(sizes)
    number = str(most) if least == most else f"{least} to {most}"
    idle = [str(agent) for agent, size in zip(scope.agents[told:], sizes, strict=True) if not size]
    nothing = f"; nothing: {', '.join(idle[:told])}" if idle else ""
    nothing += f" and {len(idle) - told} more" if len(idle) > told else ""
    return f"{len(sizes)} more agents: {number} dimensions each{nothing}; --json tells all"
