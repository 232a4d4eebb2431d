"""Runs whose scope is updated during training: checks, schedule and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isa_learners.config import RunConfig
from isa_learners.learner import LEARNERS
from isa_learners.runs.scopes import is_given, needs_estimate, scope_for
from isa_wrappers.arrays import to_numpy
from isa_wrappers.batch import BatchEnv
from isa_wrappers.batch.protocol import action_code_of
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.scope.estimators import ESTIMATORS
from isa_wrappers.scope.following import FollowingScope, check_followed
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.probes import Marked

if TYPE_CHECKING:
    from torch import Tensor

    from isa_learners.rollout import Rollout

FOLLOWING_COLUMNS = ("probes", "dims_added")
"""Columns of ``metrics.csv`` for a scope that is updated during training."""


def follows(config: RunConfig) -> bool:
    """Return whether the scope of a run is updated during training."""
    return "probes" in config.sections and config.probes.share > 0.0


def check_following(config: RunConfig, env: BatchEnv, scope: InfluenceScope | None = None) -> None:
    """Check that learner, credit rule, scope and actions of a run support probes, if it uses any.

    Args:
        config: configuration of the run.
        env: environment, for its actions.
        scope: scope, if it exists already.

    Raises:
        InvalidValueError: naming the part that does not support probes.
    """
    if not follows(config):
        return
    share = config.probes.share
    if not LEARNERS[config.learner].takes_probes:
        valid = ", ".join(name for name in LEARNERS if LEARNERS[name].takes_probes)
        raise InvalidValueError(
            f"learner {config.learner!r} cannot mark probes, but probes.share is {share:g}; set it to 0, or use {valid}"
        )
    if not needs_estimate(config):
        raise InvalidValueError(
            f"credit rule {config.credit.rule!r} does not use an estimated scope, but probes.share is {share:g}; "
            "set it to 0"
        )
    if action_code_of(env) is not None:
        raise InvalidValueError(
            f"probes need Discrete actions, but those of {config.env} are of another kind and probes.share is "
            f"{share:g}; set it to 0"
        )
    given = scope_for(config)[0] if scope is None and is_given(config) else scope
    check_followed(ESTIMATORS[config.scope.estimator].figure if given is None else given.figure)


def following_scope(config: RunConfig, scope: InfluenceScope | None, env: BatchEnv) -> FollowingScope | None:
    """Return the scope that is updated during training, or ``None``.

    Raises:
        InvalidValueError: if the run uses probes and its learner, credit rule, scope or actions do not support them.
    """
    check_following(config, env, scope)
    if scope is None or not follows(config):
        return None
    return FollowingScope(scope, config.probes.memory)


def is_due(every: int, before: int, now: int) -> bool:
    """Return whether a multiple of ``every`` steps was reached.

    Example:
        >>> is_due(100, 60, 99), is_due(100, 60, 100), is_due(100, 100, 160)
        (False, True, False)
    """
    return now // every > before // every


def measured(following: FollowingScope) -> dict[str, float]:
    """Return the values of :data:`FOLLOWING_COLUMNS`."""
    return dict(zip(FOLLOWING_COLUMNS, (float(following.probes.number), float(following.added)), strict=True))


def marked_steps(rollout: Rollout) -> Marked:
    """Return the steps of a rollout in the form that a scope accepts, environments side by side."""

    def rows(values: Tensor) -> Any:
        return to_numpy(values.flatten(0, 1))

    acted = (rollout.alive > 0) & ~rollout.lost[..., None]
    return Marked(
        states=rows(rollout.state),
        next_states=rows(rollout.final_state),
        actions=rows(rollout.action),
        available=rows(rollout.available),
        acted=rows(acted),
        marked=rows(rollout.probe),
    )
