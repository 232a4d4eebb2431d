"""Estimate a scope from recorded play, without an environment."""

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

    **Assumption.** Each agent's action was drawn among its available ones independently of the state and of the other
    agents, as in random play. A policy that depends on the state does not show influence, since consequences of the
    state would be attributed to the action. Data that contradict this assumption are refused.

    Args:
        recorded: episodes, as a list (or a Minari data set with ``iterate_episodes()``) of items that
            :func:`episode_from` accepts; :func:`episodes_of` splits long arrays.
        config: delta, window, estimator; all transitions are used.
        agents: names of the agents; by default ``agent_0``, ``agent_1`` and so on.
        state_names: a name for each dimension.
        action_names: a name for each action.
        trust: skip the check of how the actions were drawn.
        num_actions: number of actions of each agent, if they differ; by default the number in masks or actions.

    Raises:
        InvalidValueError: if shapes do not match, the estimator needs one agent at a time, or there are too few data.
        RecordedDataError: if actions depend on the state or on each other, or an agent took only one action.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> actions = rng.integers(2, size=(50, 20, 1))
        >>> played = [Episode(np.concatenate([[[0.0]], np.cumsum(a, axis=0)]), a) for a in actions]
        >>> estimate_scope_from(played).action_dims
        {'agent_0': [[], [0]]}
    """
    requested = ScopeConfig() if config is None else config
    check_kind("config", requested, ScopeConfig)
    estimator, rule = ESTIMATORS[requested.estimator], THRESHOLD_RULES[requested.threshold]
    if estimator.collect != "all_at_once":
        raise InvalidValueError(
            f"recorded data need an estimator in which all agents act at once, such as 'interval_effect', got "
            f"{requested.estimator!r}"
        )
    transitions = transitions_of(_episodes(recorded))
    check_state_size(transitions.states.shape[-1])
    num_steps, max_actions = len(transitions.actions), transitions.available.shape[-1]
    settled = estimator.settled(replace(requested, transitions=num_steps))
    if num_steps < (needed := estimator.needed(max_actions, settled)):
        raise InvalidValueError(
            f"there must be at least {needed} recorded steps for {max_actions} actions, got {num_steps}"
        )
    num_agents = transitions.actions.shape[-1]
    names = check_agents([f"agent_{i}" for i in range(num_agents)] if agents is None else agents)
    if len(names) != num_agents:
        raise InvalidValueError(f"agents must contain {num_agents} names, got {shown(list(names))}")
    action_counts = _counts(num_actions, np.asarray(transitions.available.reshape(-1, num_agents, max_actions).any(0)))
    if not trust:
        check_fair(transitions, names)
    measured = estimator.measure([transitions], settled, max_actions)
    return InfluenceScope(
        agents=names,
        influence=measured.figures,
        delta=rule(measured.figures, settled),
        num_actions=action_counts,
        state_names=read_state_names(state_names),
        action_names=action_names,
        settings={**asdict(settled), "recorded": True, "env_steps": num_steps},
        figure=estimator.figure,
        evidence=measured.evidence,
    )


def _counts(num_actions: Sequence[int] | None, ever_available: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the number of actions of each agent; ``ever_available`` ``[A, n]`` are those that were ever available.

    Raises:
        InvalidValueError: if the number of agents differs, or masks or actions exceed a given number.
    """
    agents, max_actions = int(ever_available.shape[0]), int(ever_available.shape[1])
    if num_actions is None:
        return (max_actions,) * agents
    counts = tuple(
        check_int("num_actions", count, 1, max_actions) for count in check_sequence("num_actions", num_actions)
    )
    exceeds = len(counts) == agents and any(
        row[count:].any() for row, count in zip(ever_available, counts, strict=True)
    )
    if len(counts) != agents or max(counts) != max_actions or exceeds:
        masks = "; pass masks (available) that exclude actions an agent does not have" if exceeds else ""
        raise InvalidValueError(
            f"num_actions must have one number for each of {agents} agents, the largest {max_actions} as in masks and "
            f"actions, got {shown(list(counts))}{masks}"
        )
    return counts


def _episodes(recorded: Any) -> list[Episode]:
    items = recorded.iterate_episodes() if hasattr(recorded, "iterate_episodes") else recorded
    if isinstance(items, Mapping | str | bytes | np.ndarray) or not isinstance(items, Iterable):
        raise InvalidValueError(f"recorded must be a list of episodes, got {type(recorded).__name__}")
    episodes = [episode_from(item) for item in items]
    if not episodes:
        raise InvalidValueError("recorded must contain at least one episode, got none")
    return episodes
