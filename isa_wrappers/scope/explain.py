"""Explain a scope in words: strongest effects, near misses, rarely tried actions, and detection limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.tables import MOST_AGENTS

NEAR = 0.5
"""Fraction of delta above which a value counts as nearly in the scope."""
MOST_TOLD = 10
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
    bar = np.broadcast_to(np.asarray(scope.delta) * (0.0 if scope.evidence is not None else NEAR), near.shape)
    close = np.argwhere(near > bar)
    order = sorted(close.tolist(), key=lambda cell: -near[tuple(cell)])
    seldom, least, wanted = _unseen(scope)
    steps, number = scope.settings.get("env_steps"), scope.settings.get("transitions")
    return Explanation(
        moved=tuple(_strongest(scope, i, k) for i, k in np.argwhere(inside).tolist()),
        nearly=tuple(_strongest(scope, i, k) for i, k in order),
        seldom=seldom,
        least=least,
        wanted=wanted,
        env_steps=None if steps is None else int(steps),
        transitions=None if number is None else int(number),
    )


def _strongest(scope: InfluenceScope, i: int, k: int) -> Moved:
    a = int(scope.influence[i, :, k].argmax())
    log_p = None if scope.evidence is None else float(scope.evidence.log_p[i, a, k])
    figure = float(scope.influence[i, a, k])
    return Moved(str(scope.agents[i]), scope.action_name(i, a), scope.dim_name(k), figure, log_p)


def _unseen(scope: InfluenceScope) -> tuple[tuple[Seldom, ...], float | None, int | None]:
    """Return the seldom actions, the detection limit of the others, and the transitions needed to detect delta."""
    if scope.evidence is None:
        return (), None, None
    delta, least = float(np.min(scope.delta)), scope.evidence.least
    there = np.arange(least.shape[1]) < np.array(scope.num_actions)[:, None]
    tried = scope.evidence.taken
    fair = tried.sum(axis=1, keepdims=True) / np.array(scope.num_actions)[:, None]
    rare = there & (least > SELDOM * delta) & (tried < fair / 2)
    seldom = tuple(
        Seldom(str(scope.agents[i]), scope.action_name(i, a), int(scope.evidence.taken[i, a]), float(least[i, a]))
        for i, a in np.argwhere(rare).tolist()
    )
    if (often := there & ~rare).any():
        worst = float(least[often].max())
        number = scope.settings.get("transitions")
        return seldom, worst, None if number is None or not delta else int(np.ceil(number * (worst / delta) ** 2))
    return seldom, None, None


def explanation_to_dict(said: Explanation) -> dict[str, Any]:
    """Return the explanation as plain data, for ``isa scope --json``."""
    told = asdict(said)
    del told["transitions"]  # already in the settings of the scope
    return told


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
    for one in said.moved:
        by_agent.setdefault(one.agent, []).append(f"{_place(one)} by {one.action} {one.figure:.2f}")
    if by_agent:
        told = list(by_agent.items())
        rest = [f"  and {len(told) - MOST_TOLD} more agents"] if len(told) > MOST_AGENTS else []
        told = told[:MOST_TOLD] if rest else told
        lines += ["moved most:", *(f"  {agent}: {', '.join(parts)}" for agent, parts in told), *rest]
    chances = [one.log_p for one in said.moved if one.log_p is not None]
    if chances:
        lines.append(f"the least certain of these has {_chance(max(chances))}")
    if said.nearly:
        lines.append(f"nearly in: {_some([_told(one) for one in said.nearly])}")
    if said.seldom:
        lines.append(f"seldom taken, so little is known: {_some([_told_seldom(one) for one in said.seldom])}")
    if said.env_steps is not None:
        lines.append(f"{said.env_steps:,} environment steps{_more(said)}")
    return "\n".join(lines)


def _told(one: Moved) -> str:
    return f"{one.agent}'s {_place(one)} by {one.action} {one.figure:.2f}"


def _place(one: Moved) -> str:
    """Return the name of a dimension; mark a number as such."""
    return f"dimension {one.dimension}" if one.dimension.isdecimal() else one.dimension


def _told_seldom(one: Seldom) -> str:
    shows = f", detectable from {one.least:.2f}" if one.least < 1.0 else ""
    return f"{one.agent}'s {one.action} ({one.taken} times{shows})"


def _more(said: Explanation) -> str:
    """Describe the detection limit, and the transitions needed to detect delta."""
    if said.least is None:
        return ""
    text = f"; among noise, effects in {said.least:.2f} of the steps are detectable"
    if said.wanted is not None and said.wanted > (said.transitions or 0):
        text += f", all effects above delta with {said.wanted:,} transitions"
    return text


def _some(parts: list[str]) -> str:
    more = f" and {len(parts) - MOST_TOLD} more" if len(parts) > MOST_TOLD else ""
    return ", ".join(parts[:MOST_TOLD]) + more


def _chance(log_p: float) -> str:
    power = log_p / np.log(10.0)
    return f"p {np.exp(log_p):.2g}" if power > -3 else f"p 1e{int(np.ceil(power))}"
