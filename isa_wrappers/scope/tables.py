"""Scopes as readable tables."""

from __future__ import annotations

from isa_wrappers.scope.influence import InfluenceScope


def scope_table(scope: InfluenceScope) -> str:
    """Return a readable table: one line per agent and action with its dimensions, then D_i, D_c and D_(i-c)."""

    def names(dims: list[int]) -> str:
        return ", ".join(scope.dim_name(k) for k in dims) or "-"

    lines = [
        f"influence scope of {scope.num_agents} agents over {scope.state_size} dimensions, "
        f"delta {scope.delta_text} on {scope.figure}"
    ]
    for i, (agent, actions) in enumerate(scope.action_dims.items()):
        lines.append(f"{agent}: D_i = {names(scope.agent_dims[i])}; special = {names(scope.special_dims[i])}")
        for a, dims in enumerate(actions):
            label = scope.action_name(i, a)
            top = f"  (largest {scope.influence[i, a].max():.2f})" if scope.state_size else ""
            lines.append(f"  {label:<12} -> {names(dims)}{top}")
    lines.append(f"common D_c = {names(scope.common_dims)}")
    return "\n".join(lines)
