"""Explain a scope in words: strongest effects, near misses, rarely tried actions, and detection limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.tables import MOST_AGENTS

NEAR = 0.5
"""Fraction of delta above which a value counts as nearly in the scope."""
MAX_LISTED = 10
"""Maximum number of listed items of each kind."""
SELDOM = 3.0
"""An action counts as seldom tried if it was taken less than half as often as the agent's average, and its smallest
detectable influence exceeds this multiple of delta."""


@dataclass(frozen=True)
class Moved:
    """The influence of an agent's action on a dimension.

    Attributes:
        agent: name of the agent.
        action: name of the action.
        dimension: name of the dimension.
        figure: influence of the action on the dimension.
        log_p: log of the probability of an effect this strong anywhere if no agent moves anything; ``None`` if the
            estimator does not provide it.
    """

    agent: str
    action: str
    dimension: str
    figure: float
    log_p: float | None


@dataclass(frozen=True)
class Seldom:
    """An action that was taken too seldom for a reliable estimate.

    Attributes:
        agent: name of the agent.
        action: name of the action.
        taken: how often it was taken.
        least: smallest detectable influence.
    """

    agent: str
    action: str
    taken: int
    least: float


@dataclass(frozen=True)
class Explanation:
    """Additional information about an estimated scope.

    Attributes:
        moved: for each dimension in each agent's scope, the action that moves it most.
        nearly: influence above half of delta, or significant, that is not in the scope; the largest first.
        seldom: actions that were taken too seldom for a reliable estimate.
        least: smallest influence that is detectable for all other actions.
        wanted: number of transitions with which influence of delta would be detectable for all other actions.
        env_steps: number of environment steps of the estimate.
        transitions: N of the estimate.
    """

    moved: tuple[Moved, ...]
    nearly: tuple[Moved, ...]
    seldom: tuple[Seldom, ...]
    least: float | None
    wanted: int | None
    env_steps: int | None
    transitions: int | None = None


def explain_scope(scope: InfluenceScope) -> Explanation:
    """Explain a scope.

    Example:
        >>> scope = InfluenceScope(("a",), [[[0.0, 0.2], [0.9, 0.05]]], 0.3, (2,), state_names=("x", "y"))
        >>> said = explain_scope(scope)
        >>> [(one.action, one.dimension, one.figure) for one in said.moved + said.nearly]
        [('1', 'x', 0.9), ('0', 'y', 0.2)]
    """
    inside, figures = scope.agent_mask, scope.influence
    near = np.where(inside, 0.0, figures.max(axis=1, initial=0.0))
    min_influence = np.broadcast_to(np.asarray(scope.delta) * (0.0 if scope.evidence is not None else NEAR), near.shape)
    near_cells = np.argwhere(near > min_influence)
    order = sorted(near_cells.tolist(), key=lambda cell: -near[tuple(cell)])
    seldom, least, transitions_needed = _detection_limits(scope)
    steps, number = scope.settings.get("env_steps"), scope.settings.get("transitions")
    return Explanation(
        moved=tuple(_strongest(scope, i, k) for i, k in np.argwhere(inside).tolist()),
        nearly=tuple(_strongest(scope, i, k) for i, k in order),
        seldom=seldom,
        least=least,
        wanted=transitions_needed,
        env_steps=None if steps is None else int(steps),
        transitions=None if number is None else int(number),
    )


def _strongest(scope: InfluenceScope, i: int, k: int) -> Moved:
    a = int(scope.influence[i, :, k].argmax())
    log_p = None if scope.evidence is None else float(scope.evidence.log_p[i, a, k])
    figure = float(scope.influence[i, a, k])
    return Moved(str(scope.agents[i]), scope.action_name(i, a), scope.dim_name(k), figure, log_p)


def _detection_limits(scope: InfluenceScope) -> tuple[tuple[Seldom, ...], float | None, int | None]:
    """Return the seldom actions, the detection limit of the others, and the transitions needed to detect delta."""
    if scope.evidence is None:
        return (), None, None
    delta, least = float(np.min(scope.delta)), scope.evidence.least
    exists = np.arange(least.shape[1]) < np.array(scope.num_actions)[:, None]
    taken = scope.evidence.taken
    expected = taken.sum(axis=1, keepdims=True) / np.array(scope.num_actions)[:, None]
    rare = exists & (least > SELDOM * delta) & (taken < expected / 2)
    seldom = tuple(
        Seldom(str(scope.agents[i]), scope.action_name(i, a), int(scope.evidence.taken[i, a]), float(least[i, a]))
        for i, a in np.argwhere(rare).tolist()
    )
    if (others := exists & ~rare).any():
        worst = float(least[others].max())
        number = scope.settings.get("transitions")
        return seldom, worst, None if number is None or not delta else int(np.ceil(number * (worst / delta) ** 2))
    return seldom, None, None


def explanation_to_dict(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation as plain data, for ``isa scope --json``."""
    values = asdict(explanation)
    del values["transitions"]  # already in the settings of the scope
    return values


def explanation_text(said: Explanation) -> str:
    """Return the explanation as text.

    Example:
        >>> scope = InfluenceScope(("a",), [[[0.0, 0.2], [0.9, 0.05]]], 0.3, (2,), state_names=("x", "y"))
        >>> print(explanation_text(explain_scope(scope)))
        moved most:
          a: x by 1 0.90
        nearly in: a's y by 0 0.20
    """
    lines = []
    by_agent: dict[str, list[str]] = {}
    for effect in said.moved:
        by_agent.setdefault(effect.agent, []).append(
            f"{_dimension_label(effect)} by {effect.action} {effect.figure:.2f}"
        )
    if by_agent:
        agent_parts = list(by_agent.items())
        rest = [f"  and {len(agent_parts) - MAX_LISTED} more agents"] if len(agent_parts) > MOST_AGENTS else []
        agent_parts = agent_parts[:MAX_LISTED] if rest else agent_parts
        lines += ["moved most:", *(f"  {agent}: {', '.join(parts)}" for agent, parts in agent_parts), *rest]
    log_ps = [effect.log_p for effect in said.moved if effect.log_p is not None]
    if log_ps:
        lines.append(f"the least certain of these has {_p_text(max(log_ps))}")
    if said.nearly:
        lines.append(f"nearly in: {_listed([_moved_text(effect) for effect in said.nearly])}")
    if said.seldom:
        lines.append(f"seldom taken, so little is known: {_listed([_seldom_text(effect) for effect in said.seldom])}")
    if said.env_steps is not None:
        lines.append(f"{said.env_steps:,} environment steps{_limit_text(said)}")
    return "\n".join(lines)


def _moved_text(effect: Moved) -> str:
    return f"{effect.agent}'s {_dimension_label(effect)} by {effect.action} {effect.figure:.2f}"


def _dimension_label(effect: Moved) -> str:
    """Return the name of a dimension; mark a number as such."""
    return f"dimension {effect.dimension}" if effect.dimension.isdecimal() else effect.dimension


def _seldom_text(action: Seldom) -> str:
    limit = f", detectable from {action.least:.2f}" if action.least < 1.0 else ""
    return f"{action.agent}'s {action.action} ({action.taken} times{limit})"


def _limit_text(explanation: Explanation) -> str:
    """Describe the detection limit, and the transitions needed to detect delta."""
    if explanation.least is None:
        return ""
    text = f"; among noise, effects in at least {explanation.least:.2f} of the steps are detectable"
    if explanation.wanted is not None and explanation.wanted > (explanation.transitions or 0):
        text += f", all effects above delta with {explanation.wanted:,} transitions"
    return text


def _listed(parts: list[str]) -> str:
    rest = f" and {len(parts) - MAX_LISTED} more" if len(parts) > MAX_LISTED else ""
    return ", ".join(parts[:MAX_LISTED]) + rest


def _p_text(log_p: float) -> str:
    power = log_p / np.log(10.0)
    return f"p {np.exp(log_p):.2g}" if power > -3 else f"p 1e{int(np.ceil(power))}"
