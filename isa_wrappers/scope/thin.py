"""Describe a scope in which some agent moves nothing, and suggest the most likely remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.transitions import Transitions

FEW = 50
"""An action taken less often counts as rare: its effects may not have been detected."""
MANY_CODES = 8
"""At least this number of dimensions that are 0 or 1, and half of all, look like a map of cells or one-hot codes."""


def codes_in(states: npt.NDArray[Any]) -> int:
    """Return the number of dimensions that are always 0 or 1 in states ``[M, K]`` if they look like a map; else 0."""
    codes = ((states == 0) | (states == 1)).all(axis=0)
    return int(codes.sum()) if codes.sum() >= MANY_CODES and codes.mean() >= 0.5 else 0


def times_taken(transitions: Sequence[Transitions], num_actions: int) -> npt.NDArray[np.int64]:
    """Return how often each agent freely took each (elementary) action, ``[A, n]``."""
    taken = np.zeros((transitions[0].free.shape[1], num_actions), dtype=np.int64)
    for part in transitions:
        free = part.valid & np.broadcast_to(part.free, part.valid.shape)
        columns = part.actions[..., None] if part.code is None else part.code.columns(part.actions)
        for i, row in enumerate(taken):
            # Missing components of an agent repeat its first one, so count only its own columns.
            own = 1 if part.code is None else len(part.code.codes[i].components)
            row += np.bincount(columns[..., i, :own][free[..., i]].reshape(-1), minlength=num_actions)
    return taken


def thin_scope(
    scope: InfluenceScope, states: npt.NDArray[Any] | None = None, taken: npt.NDArray[np.int64] | None = None
) -> str | None:
    """Return a one-line description of a scope in which agents move nothing; ``None`` if all agents move something.

    Args:
        scope: the estimated scope.
        states: some visited states, ``[..., K]``.
        taken: how often each action was taken, ``[A, n]``.

    Example:
        >>> scope = InfluenceScope(("a",), [[[0.0, 0.2], [0.0, 0.05]]], 0.3, (2,), chance=0.02)
        >>> print(thin_scope(scope))
        the scope is empty: the largest influence is 0.20, of a's action 0 on dimension 1, delta is 0.3, chance 0.02; \
that is above chance: try delta 0.11
        >>> thin_scope(scope.with_delta(0.1)) is None
        True
    """
    idle = np.array([not dims for dims in scope.agent_dims])
    if not idle.any():
        return None
    figures = scope.influence[idle]
    agent, action, dim = np.unravel_index(int(figures.argmax()), figures.shape)
    i = int(np.flatnonzero(idle)[agent])
    largest = float(figures.max())
    names = ", ".join(name for name, is_idle in zip(scope.agents, idle, strict=True) if is_idle)
    subject = (
        "the scope is empty" if idle.all() else f"{names} moves nothing" if idle.sum() == 1 else f"{names} move nothing"
    )
    chance = "" if scope.chance is None else f", chance {scope.chance:.2g}"
    return (
        f"{subject}: the largest influence is {largest:.2f}, of {scope.agents[i]}'s action "
        f"{scope.action_name(i, int(action))} on {_dim_label(scope, int(dim))}, delta is {scope.delta_text}{chance}; "
        f"{_remedy(scope, largest, states, None if taken is None else _rare(scope, idle, taken))}"
    )


def _dim_label(scope: InfluenceScope, dim: int) -> str:
    return scope.dim_name(dim) if scope.state_names else f"dimension {dim}"


def _rare(scope: InfluenceScope, idle: npt.NDArray[np.bool_], taken: npt.NDArray[np.int64]) -> str | None:
    """Describe the rarest action of the agents that move nothing; ignore actions that were never available."""
    rare = np.where(idle[:, None] & (taken > 0) & (taken < FEW), taken, FEW)
    if (rare == FEW).all():
        return None
    i, a = (int(place) for place in np.unravel_index(int(rare.argmin()), rare.shape))
    steps = int(taken[i].sum())
    return (
        f"{scope.agents[i]} took {scope.action_name(i, a)} {rare[i, a]} times in {steps:,} steps: it was rarely "
        f"available; use {-(-FEW // int(rare[i, a]))} times as many transitions"
    )


def _remedy(scope: InfluenceScope, largest: float, states: npt.NDArray[Any] | None, rare: str | None) -> str:
    if states is not None:
        flat = states.reshape(-1, states.shape[-1])
        if (flat == flat[:1]).all():
            return (
                "the state never changed: include what agents move; a factory must create a new environment each time"
            )
        if codes := codes_in(flat):
            return (
                f"{codes} of {flat.shape[1]} dimensions are 0 or 1, as in a map of cells: provide coordinates, or "
                "extract them from the map with --state-features map (in Python: isa_wrappers.MapState)"
            )
    floor = 2 * (scope.chance or 0.0)
    if largest > max(floor, 0.02):
        lower = f"that is above chance: try delta {(largest + (scope.chance or 0.0)) / 2:.2g}"
        return lower if rare is None else f"{lower}; {rare}"
    if rare is not None:
        return rare
    if scope.figure == InfluenceScope.figure:
        return "use more transitions, a window of 2 or more, or an estimator without bins, interval_effect"
    return "use more transitions"
