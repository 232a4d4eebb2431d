"""Format scopes as readable tables."""

from __future__ import annotations

from collections.abc import Sequence

from isa_wrappers.scope.influence import InfluenceScope

MOST_AGENTS = 16
"""Maximum team size for listing every agent."""
FIRST = 4
"""Number of listed agents of a larger team."""


def scope_table(scope: InfluenceScope) -> str:
    """Return a readable table: D_i and D_(i-c) of each agent, the dimensions of each of its actions, and D_c.

    With more than :data:`MOST_AGENTS` agents, the first few are listed and one line summarises the others.

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
        return dimensions_text(scope, dims) or "-"

    numbered = "" if scope.state_names or not scope.state_size else " (numbered, as there are no state_names)"
    lines = [
        f"influence scope of {scope.num_agents} agents over {scope.state_size} dimensions{numbered}, "
        f"delta {scope.delta_text} on {scope.figure}"
    ]
    agent_dims, special_dims = scope.agent_dims, scope.special_dims
    num_listed = scope.num_agents if scope.num_agents <= MOST_AGENTS else FIRST
    for i, (agent, actions) in enumerate(list(scope.action_dims.items())[:num_listed]):
        lines.append(f"{agent}: D_i = {names(agent_dims[i])}; special = {names(special_dims[i])}")
        for a, dims in enumerate(actions):
            label = scope.action_name(i, a)
            top = f"  (largest {scope.influence[i, a].max():.2f})" if scope.state_size else ""
            lines.append(f"  {label:<12} -> {names(dims)}{top}")
    if num_listed < scope.num_agents:
        lines.append(_others(scope, agent_dims, num_listed))
    lines.append(f"common D_c = {names(scope.common_dims)}")
    return "\n".join(lines)


def dimensions_text(scope: InfluenceScope, dims: Sequence[int]) -> str:
    """Return the names of dimensions, or their numbers marked as such; an empty text for none."""
    kind = "" if scope.state_names or not dims else "dimension " if len(dims) == 1 else "dimensions "
    return kind + ", ".join(scope.dim_name(k) for k in dims)


def _others(scope: InfluenceScope, agent_dims: Sequence[Sequence[int]], num_listed: int) -> str:
    """Summarise the agents from index ``num_listed``: how many dimensions they move, and which agents move none."""
    sizes = [len(dims) for dims in agent_dims[num_listed:]]
    least, most = min(sizes), max(sizes)
    number = str(most) if least == most else f"{least} to {most}"
    idle = [str(agent) for agent, size in zip(scope.agents[num_listed:], sizes, strict=True) if not size]
    idle_text = f"; nothing: {', '.join(idle[:num_listed])}" if idle else ""
    idle_text += f" and {len(idle) - num_listed} more" if len(idle) > num_listed else ""
    return f"{len(sizes)} more agents: {number} dimensions each{idle_text}; --json lists all"
