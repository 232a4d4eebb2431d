"""Estimate a scope: collect random transitions, estimate the influence of actions, apply a threshold."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import stream_seed
from isa_wrappers.batch.own_arrays import with_checked_steps
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.batch.protocol import BatchEnv, action_code_of
from isa_wrappers.border.layers import all_frozen
from isa_wrappers.border.spaces import StateFallback
from isa_wrappers.checks import check_state_size
from isa_wrappers.config import ScopeConfig, SettledScope
from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError, check_int, check_kind
from isa_wrappers.scope.doubling import collect_enough, measure_until_certain
from isa_wrappers.scope.estimators import ESTIMATORS, Estimator
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.thin import thin_scope, times_taken
from isa_wrappers.scope.thresholds import THRESHOLD_RULES
from isa_wrappers.scope.transitions import Transitions

NEAR_DELTA = 0.5
"""Fraction of delta above which the chance level causes a warning."""


def estimate_scope(
    env: Any,
    config: ScopeConfig | None = None,
    seed: int = 0,
    state_fallback: StateFallback = None,
    device: str | None = None,
) -> InfluenceScope:
    """Estimate what each agent can influence (Definitions 1 to 3) from random transitions.

    All agents act at the same time, each uniformly among its available actions. With estimators that observe one agent
    at a time, its teammates instead hold one joint action, drawn each episode among the actions available at its start
    (a teammate whose held action is unavailable takes its first available one). Transitions in which agent i is dead
    never count, nor do changes across the end of an episode. If N is not set and an action is rarely available, up to
    four times as many transitions are collected, see :func:`~isa_wrappers.scope.doubling.collect_enough`.

    ``config.estimator`` and ``config.threshold`` name entries of
    :data:`~isa_wrappers.scope.estimators.ESTIMATORS` and :data:`~isa_wrappers.scope.thresholds.THRESHOLD_RULES`.
    ISA wrappers around ``env`` do not count, record or learn during these steps; reset the environment afterwards.
    The scope's ``chance`` is the largest value that the estimator finds if actions move nothing. If it comes near
    delta, a warning says that the scope may contain dimensions that no agent moves.

    Args:
        env: a batched environment, or a PettingZoo ``ParallelEnv`` with a ``state()``.
        config: N, delta, window, estimator and threshold rule; all of them are optional.
        seed: seed of the environment and of the random actions.
        state_fallback: replacement for a missing ``state()`` of a ``ParallelEnv``, see :class:`ParallelEnvBatch`.
        device: a torch device for the computation of ``interval_effect``, independent of the environment's device;
            ``None`` for NumPy, which is as fast on a CPU.

    Returns:
        The scope with its influence values; its settings contain ``env_steps``, the number of environment steps.

    Raises:
        UnsupportedEnvironmentError: if the estimator does not support the actions, or ``state()`` is missing.
        UnknownNameError: if the estimator or the threshold rule is unknown.
        InvalidValueError: if N is too small for the estimator.
        NonFiniteError: if a state contains NaN or infinity.

    Source: arXiv 2505.08630, Section 4 and Algorithm 1.

    Example:
        >>> from isa_wrappers.envs import make_batch
        >>> estimate_scope(make_batch("grid/shooting", num_envs=8)).common_dims
        [6]
    """
    requested = ScopeConfig() if config is None else config
    check_kind("config", requested, ScopeConfig)
    seed = check_int("seed", seed, 0)
    estimator, rule = ESTIMATORS[requested.estimator].on(device), THRESHOLD_RULES[requested.threshold]
    config = estimator.settled(requested)
    batch = as_batch(env, state_fallback)
    num_actions = max(batch.num_actions)
    check_state_size(batch.state_size)
    _check_supported(estimator, batch, config)
    with all_frozen(env):
        if config.until_certain:
            transitions, config, measured = measure_until_certain(batch, config, seed, estimator)
        else:
            max_transitions = config.transitions * (1 if requested.transitions else estimator.stretches)
            transitions, config = collect_enough(batch, config, seed, estimator, max_transitions)
            measured = estimator.measure(transitions, config, num_actions)
    rng = np.random.default_rng(stream_seed(seed, "shuffling"))
    env_steps = sum(part.env_steps for part in transitions)
    with _errors_with_source(config):
        scope = InfluenceScope(
            agents=batch.agents,
            influence=measured.figures,
            delta=rule(measured.figures, config),
            num_actions=batch.num_actions,
            state_names=batch.state_names,
            action_names=batch.action_names,
            settings={**asdict(config), "seed": seed, "env_steps": env_steps},
            chance=estimator.chance(transitions, config, num_actions, rng),
            figure=estimator.figure,
            evidence=measured.evidence,
        )
    _warn(scope, transitions, estimator.advice())
    return scope


@contextmanager
def _errors_with_source(config: SettledScope) -> Iterator[None]:
    """Add the name of the estimator or the threshold rule to errors about its result."""
    estimator, rule = f"estimator {config.estimator!r}", f"threshold rule {config.threshold!r}"
    sources = {"influence": estimator, "chance": estimator, "evidence": estimator, "figure": estimator, "delta": rule}
    try:
        yield
    except InvalidValueError as error:
        source = sources.get(str(error).partition(" ")[0])
        if source is None:
            raise
        raise InvalidValueError(f"{source}: {error}") from error


def _check_supported(estimator: Estimator, batch: BatchEnv, config: SettledScope) -> None:
    """Check that an estimator supports the actions of a batch and has enough transitions."""
    if action_code_of(batch) is not None and not estimator.takes_components:
        raise UnsupportedEnvironmentError(
            f"estimator {config.estimator!r} supports only Discrete actions; use 'interval_effect' for Box, "
            "MultiDiscrete and MultiBinary"
        )
    num_actions = max(batch.num_actions)
    needed = estimator.needed(num_actions, config)
    if config.transitions < needed:
        raise InvalidValueError(
            f"transitions must be at least {needed} for estimator {config.estimator!r} and {num_actions} actions, "
            f"got {config.transitions}"
        )


def _warn(scope: InfluenceScope, transitions: list[Transitions], advice: str) -> None:
    """Warn if chance may explain parts of the scope, and if agents move nothing."""
    if scope.chance is not None and scope.chance > np.min(scope.delta) * NEAR_DELTA:
        warnings.warn(
            f"chance alone gives values of up to {scope.chance:.2f}, and delta is {scope.delta_text}: the scope may "
            f"contain dimensions that no agent moves; {advice}",
            stacklevel=3,
        )
    taken = times_taken(transitions, max(scope.num_actions))
    if (description := thin_scope(scope, _first_states(transitions), taken)) is not None:
        warnings.warn(description, stacklevel=3)


def _first_states(transitions: Any) -> npt.NDArray[Any]:
    """Return the states ``[..., K]`` of at most the first thousand collected steps."""
    first: Any = transitions[0] if isinstance(transitions, list) else transitions
    return np.asarray(first.states[:1_000])


def as_batch(env: Any, state_fallback: StateFallback = None) -> BatchEnv:
    """Return a batched ``env`` with checked steps, or a batch of one around a PettingZoo ``ParallelEnv``.

    Raises:
        UnsupportedEnvironmentError: if ``env`` is a name, a class or not an environment.
    """
    if isinstance(env, str):
        raise UnsupportedEnvironmentError(
            f"env must be an environment, got {env!r}; make it with make_parallel({env!r})"
        )
    if isinstance(env, type):
        raise UnsupportedEnvironmentError(f"env must be an environment, got the class {env.__name__}; call it")
    if isinstance(env, BatchEnv):
        return with_checked_steps(env)
    return ParallelEnvBatch([env], state_fallback=state_fallback, success=None)
