"""A scope from play that was recorded, without an environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.names import ActionNames, read_state_names
from isa_wrappers.checks import check_agents, check_sequence, check_state_size
from isa_wrappers.config import ScopeConfig
from isa_wrappers.errors import InvalidValueError, check_int, check_kind, shown
from isa_wrappers.scope.episodes import Episode, episode_from, transitions_of
from isa_wrappers.scope.estimators import ESTIMATORS
from isa_wrappers.scope.fairness import check_fair
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.thresholds import THRESHOLD_RULES


def estimate_scope_from(
    recorded: Any,
    config: ScopeConfig | None = None,
    agents: Sequence[str] | None = None,
    state_names: Sequence[str] = (),
    action_names: ActionNames = (),
    trust: bool = False,
    num_actions: Sequence[int] | None = None,
) -> InfluenceScope:
    """Estimate a scope from recorded play, without an environment.

    **What it assumes.** Each agent's action was drawn among its available ones without a look at the state and
    independently of the others, as random play does. A policy that looks says nothing of influence: what follows from
    the state would be put down to the action. Data that cannot have come about that way are refused.

    Args:
        recorded: episodes: a list (or a Minari data set, which has ``iterate_episodes()``) of what
            :func:`episode_from` reads; :func:`episodes_of` cuts long arrays.
        config: delta, window, estimator; all transitions are taken.
        agents: their names; by default ``agent_0``, ``agent_1`` and so on.
        state_names: a name for each dimension.
        action_names: a name for each action.
        trust: do not look at how the actions were drawn.
        num_actions: of each agent, where they differ; by default as many for each as masks or actions tell of.

    Raises:
        InvalidValueError: if shapes disagree, the estimator wants one agent at a time, or data are too few.
        RecordedDataError: if actions tell of the state or of each other, or one alone was taken.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> actions = rng.integers(2, size=(50, 20, 1))
        >>> played = [Episode(np.concatenate([[[0.0]], np.cumsum(a, axis=0)]), a) for a in actions]
        >>> estimate_scope_from(played).action_dims
        {'agent_0': [[], [0]]}
    """
    asked = ScopeConfig() if config is None else config
    check_kind("config", asked, ScopeConfig)
    estimator, rule = ESTIMATORS[asked.estimator], THRESHOLD_RULES[asked.threshold]
    if estimator.collect != "all_at_once":
        raise InvalidValueError(
            f"recorded data need an estimator that has all agents act at once, such as 'interval_effect', got "
            f"{asked.estimator!r}"
        )
    transitions = transitions_of(_episodes(recorded))
    check_state_size(transitions.states.shape[-1])
    number, most = len(transitions.actions), transitions.available.shape[-1]
    settled = estimator.settled(replace(asked, transitions=number))
    if number < (needed := estimator.needed(most, settled)):
        raise InvalidValueError(f"recorded steps must be at least {needed} for {most} actions, got {number}")
    count = transitions.actions.shape[-1]
    names = check_agents([f"agent_{i}" for i in range(count)] if agents is None else agents)
    if len(names) != count:
        raise InvalidValueError(f"agents must name {count}, got {shown(list(names))}")
    own = _counts(num_actions, np.asarray(transitions.available.reshape(-1, count, most).any(0)))
    if not trust:
        check_fair(transitions, names)
    measured = estimator.measure([transitions], settled, most)
    return InfluenceScope(
        agents=names,
        influence=measured.figures,
        delta=rule(measured.figures, settled),
        num_actions=own,
        state_names=read_state_names(state_names),
        action_names=action_names,
        settings={**asdict(settled), "recorded": True, "env_steps": number},
        figure=estimator.figure,
        evidence=measured.evidence,
    )


def _counts(given: Sequence[int] | None, opened: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """Return how many actions each agent has, of which ``opened`` ``[A, n]`` ever were.

    Raises:
        InvalidValueError: if that is another number of agents, or one that masks or actions go beyond.
    """
    agents, most = int(opened.shape[0]), int(opened.shape[1])
    if given is None:
        return (most,) * agents
    counts = tuple(check_int("num_actions", count, 1, most) for count in check_sequence("num_actions", given))
    beyond = len(counts) == agents and any(row[count:].any() for row, count in zip(opened, counts, strict=True))
    if len(counts) != agents or max(counts) != most or beyond:
        masks = "; give masks (available) that end where an agent has no more" if beyond else ""
        raise InvalidValueError(
            f"num_actions must be one number for each of {agents} agents, of which masks and actions tell up to "
            f"{most}, got {shown(list(counts))}{masks}"
        )
    return counts


def _episodes(recorded: Any) -> list[Episode]:
    parts = recorded.iterate_episodes() if hasattr(recorded, "iterate_episodes") else recorded
    if isinstance(parts, Mapping | str | bytes | np.ndarray) or not isinstance(parts, Iterable):
        raise InvalidValueError(f"recorded must be a list of episodes, got {type(recorded).__name__}")
    episodes = [episode_from(part) for part in parts]
    if not episodes:
        raise InvalidValueError("recorded must hold at least one episode, got none")
    return episodes
