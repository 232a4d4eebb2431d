"""Checks before a run folder is created."""

from __future__ import annotations

from isa_learners.config import RunConfig
from isa_learners.runs.devices import resolve_device
from isa_learners.runs.following import check_following
from isa_learners.runs.making import make_env
from isa_learners.runs.metrics import columns_of
from isa_learners.runs.phases import check_composition
from isa_learners.runs.scopes import credit_of, is_given, needs_estimate, scope_for, scope_steps
from isa_wrappers.border.start import close_env
from isa_wrappers.errors import InvalidValueError, shown
from isa_wrappers.rewards import GOAL_SELECTORS, REWARDS
from isa_wrappers.scope.estimators import ESTIMATORS
from isa_wrappers.scope.files import storable_names
from isa_wrappers.scope.thresholds import THRESHOLD_RULES


def check_run(config: RunConfig) -> None:
    """Check what only the environment or a registry can tell.

    Raises:
        ISAError: for the first problem found.
    """
    if not isinstance(config, RunConfig):
        raise InvalidValueError(
            f"config must be a RunConfig, as from make_config('grid/shooting'), got {shown(config)}"
        )
    columns_of(config)
    device = resolve_device(config.device, config.env)
    env = make_env(config, device, 1)
    close_env(env)  # needed only for its sizes
    if config.intrinsic is not None and REWARDS[config.intrinsic].needs_goal:
        raise InvalidValueError(
            f"intrinsic reward {config.intrinsic!r} needs goals and cannot be added to a run; use algo 'isa'"
        )
    check_following(config, env)
    check_composition(config, env, device)
    if "goal" in config.sections:
        GOAL_SELECTORS[config.goal.selector]
    if needs_estimate(config):
        storable_names(env.agents)
        ESTIMATORS[config.scope.estimator], THRESHOLD_RULES[config.scope.threshold]
        if is_given(config):
            credit_of(config, scope_for(config)[0], env)
    needed_steps = scope_steps(config, env)
    if config.steps <= needed_steps:
        transitions = ESTIMATORS[config.scope.estimator].settled(config.scope).transitions
        raise InvalidValueError(
            f"steps must be more than {needed_steps:,}, which the scope of {len(env.agents)} agents takes with "
            f"scope.transitions {transitions:,}, got {config.steps:,}"
        )
