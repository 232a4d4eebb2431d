"""The scope of a run: estimated, loaded from a folder or given by the task, with its cost and its use for credit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from isa_learners.algorithms import ALGORITHMS
from isa_learners.config import RunConfig
from isa_learners.runs.devices import resolve_device
from isa_wrappers.batch import BatchEnv
from isa_wrappers.config import ScopeConfig
from isa_wrappers.envs import true_task_scope
from isa_wrappers.envs.task_scope import scope_of_task
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.rewards import REWARDS
from isa_wrappers.scope.credit import CREDIT_RULES, Credit, credit_for
from isa_wrappers.scope.estimators import ESTIMATORS
from isa_wrappers.scope.files import load_scope
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.thin import thin_scope

ROOM = 8
"""A run needs this many times the estimator's default number of transitions before its scope may use more of them."""


def asks_for_scope(algo: str, intrinsic: str | None, settings: Any = None) -> bool:
    """Return whether a run's algorithm or intrinsic reward uses credit.

    Args:
        algo: name of the algorithm.
        intrinsic: name of the reward, if any.
        settings: settings of the reward, or a mapping of the given ones.
    """
    return ALGORITHMS[algo].needs_scope or (intrinsic is not None and REWARDS[intrinsic].asks_for_scope(settings))


def works_with_credit(config: RunConfig) -> bool:
    """Return whether a run uses credit."""
    return asks_for_scope(config.algo, config.intrinsic, config.sections.get(str(config.intrinsic)))


def needs_estimate(config: RunConfig) -> bool:
    """Return whether a run needs an estimated scope; some credit rules do not."""
    return works_with_credit(config) and CREDIT_RULES[config.credit.rule].needs_scope


def is_given(config: RunConfig) -> bool:
    """Return whether the scope of a run is given, by the rules of the task or by a folder."""
    return config.true_scope or config.scope_folder is not None


def scope_for(config: RunConfig, on_steps: Callable[[int], None] | None = None) -> tuple[InfluenceScope | None, int]:
    """Return the scope of a run (given or estimated) and the environment steps that it costs.

    Args:
        config: configuration of the run.
        on_steps: called with the environment steps taken during the estimation.

    Raises:
        UnsupportedEnvironmentError: if the rules of the task should give the scope and do not.
        ScopeMismatchError: if the folder's scope is of another task.
        FileFormatError: if it cannot be read.
    """
    if not needs_estimate(config):
        return None, 0
    if config.true_scope:
        return true_task_scope(config.env, **config.env_kwargs), 0
    if config.scope_folder is None:
        device = resolve_device(config.device, config.env)
        options = config.seed, config.state_fallback, config.features, device if device.startswith("cuda") else None
        scope = scope_of_task(config.env, config.env_kwargs, _within(config), *options, on_steps)
        env_steps = int(scope.settings["env_steps"])
        if env_steps >= config.steps:  # more than expected, as agents died early
            warnings.warn(
                f"the scope took {env_steps:,} steps and steps is {config.steps:,}, so none are left for training",
                stacklevel=1,
            )
        return scope, env_steps
    scope = load_scope(config.scope_folder)
    task = scope.settings.get("env", config.env)
    if task != config.env:
        raise ScopeMismatchError(
            f"the scope in {config.scope_folder} was estimated for {task!r}, this run trains on {config.env!r}; "
            "use one of this task"
        )
    if "transitions" in scope.settings and scope.agent_mask.any() and (note := thin_scope(scope)) is not None:
        warnings.warn(f"in {config.scope_folder}, {note}", stacklevel=1)  # the same place for all callers: shown once
    # Older files without a cost were estimated one agent at a time; handmade ones cost nothing.
    cost = scope.settings.get("env_steps", scope.settings.get("transitions", 0) * scope.num_agents)
    return scope, 0 if config.scope_is_free else int(cost)


def _within(config: RunConfig) -> ScopeConfig:
    """Return the scope settings; a short run takes no more transitions than the estimator's default."""
    scope: ScopeConfig = config.scope
    default_transitions = ESTIMATORS[scope.estimator].settled(scope).transitions
    return replace(scope, transitions=default_transitions) if config.steps < ROOM * default_transitions else scope


def scope_steps(config: RunConfig, env: BatchEnv) -> int:
    """Return the environment steps that the estimation of a run's scope will take."""
    if not needs_estimate(config):
        return 0
    if is_given(config):
        return scope_for(config)[1]
    settled = ESTIMATORS[config.scope.estimator].settled(config.scope)
    return ESTIMATORS[config.scope.estimator].env_steps(settled, len(env.agents))


def credit_of(config: RunConfig, scope: InfluenceScope | None, env: BatchEnv) -> Credit | None:
    """Return the credit that a run's credit rule derives from the scope; ``None`` for a run without credit.

    Raises:
        InvalidValueError: if a scope is needed and missing or empty.
        ScopeMismatchError: if the scope was estimated for another environment.
    """
    if not works_with_credit(config):
        return None
    rule = config.credit.rule
    if not env.state_size:
        raise InvalidValueError(
            f"algo {config.algo!r} needs a global state, but the environment's is empty; give it a state(), or use "
            "--set state_fallback=observations"
        )
    if scope is None:
        if CREDIT_RULES[rule].needs_scope:
            raise InvalidValueError(f"algo {config.algo!r} needs a scope, got None; estimate one with scope_for()")
        scope = InfluenceScope.of_everything(env.agents, env.num_actions, env.state_size)
    scope.check_fits(env.agents, env.num_actions, env.state_size)
    if not scope.agent_mask.any():
        raise InvalidValueError(
            f"the scope is empty: delta is {scope.delta_text} and the largest influence "
            f"{scope.influence.max():.2g}; choose scope.delta below that, or other scope settings"
        )
    return credit_for(scope, rule)
