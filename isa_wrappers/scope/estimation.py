"""Estimating a scope: collect random transitions, estimate what actions move, apply a threshold."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import stream_seed
from isa_wrappers.batch.own_arrays import guarded
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
"""Share of delta that chance may make without a warning."""


def estimate_scope(
    env: Any,
    config: ScopeConfig | None = None,
    seed: int = 0,
    state_fallback: StateFallback = None,
    device: str | None = None,
) -> InfluenceScope:
    """Estimate what each agent can influence (Definitions 1 to 3) from random transitions.

    Everyone acts uniformly among its available actions, all at once; with estimators that listen to one agent at a
    time, its teammates meanwhile hold one joint action, drawn each episode among the actions available at its start
    (a teammate whose held action is unavailable takes its first available one). Transitions in which agent i is dead
    never count, nor do changes across an episode's end. Where N is left open and an action is seldom to be had, up to
    four times as many transitions are taken, see :func:`~isa_wrappers.scope.doubling.collect_enough`.

    ``config.estimator`` and ``config.threshold`` name entries of
    :data:`~isa_wrappers.scope.estimators.ESTIMATORS` and :data:`~isa_wrappers.scope.thresholds.THRESHOLD_RULES`.
    Wrappers of ISA's around ``env`` count, record and learn nothing of these steps; reset the environment afterwards.
    The largest figure that an estimator finds where actions move nothing is the scope's ``chance``. Where it comes
    near delta, a warning says that the scope may hold dimensions nobody moves.

    Args:
        env: a batched environment, or a PettingZoo ``ParallelEnv`` with a ``state()``.
        config: N, delta, window, estimator and threshold rule; nothing needs to be chosen.
        seed: of the environment and the random actions.
        state_fallback: what stands for a ``ParallelEnv``'s missing ``state()``, see :class:`ParallelEnvBatch`.
        device: a torch device for the heavy arithmetic of the estimate (of ``interval_effect``), wherever the
            environment is; ``None`` for NumPy, which on a CPU is as fast.

    Returns:
        The scope, with its figures; its settings hold ``env_steps``, what the estimate took.

    Raises:
        UnsupportedEnvironmentError: for actions that the estimator cannot read, or a missing ``state()``.
        UnknownNameError: for an unknown estimator or threshold rule.
        InvalidValueError: if N is too small for the estimator.
        NonFiniteError: if a state holds NaN or infinity.

    Source: arXiv 2505.08630, Section 4 and Algorithm 1.

    Example:
        >>> from isa_wrappers.envs import make_batch
        >>> estimate_scope(make_batch("grid/shooting", num_envs=8)).common_dims
        [6]
    """
    asked = ScopeConfig() if config is None else config
    check_kind("config", asked, ScopeConfig)
    seed = check_int("seed", seed, 0)
    estimator, rule = ESTIMATORS[asked.estimator].on(device), THRESHOLD_RULES[asked.threshold]
    config = estimator.settled(asked)
    batch = as_batch(env, state_fallback)
    num_actions = max(batch.num_actions)
    check_state_size(batch.state_size)
    _check_suits(estimator, batch, config)
    with all_frozen(env):
        if config.until_certain:
            transitions, config, measured = measure_until_certain(batch, config, seed, estimator)
        else:
            most = config.transitions * (1 if asked.transitions else estimator.stretches)
            transitions, config = collect_enough(batch, config, seed, estimator, most)
            measured = estimator.measure(transitions, config, num_actions)
    rng = np.random.default_rng(stream_seed(seed, "shuffling"))
    env_steps = sum(part.env_steps for part in transitions)
    with _named(config):
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
def _named(config: SettledScope) -> Iterator[None]:
    """Name the estimator or the threshold rule in what is said of what it returned."""
    estimator, rule = f"estimator {config.estimator!r}", f"threshold rule {config.threshold!r}"
    whose = {"influence": estimator, "chance": estimator, "evidence": estimator, "figure": estimator, "delta": rule}
    try:
        yield
    except InvalidValueError as error:
        source = whose.get(str(error).partition(" ")[0])
        if source is None:
            raise
        raise InvalidValueError(f"{source}: {error}") from error


def _check_suits(estimator: Estimator, batch: BatchEnv, config: SettledScope) -> None:
    """Check that an estimator can read a batch's actions, and has enough transitions."""
    if action_code_of(batch) is not None and not estimator.takes_components:
        raise UnsupportedEnvironmentError(
            f"estimator {config.estimator!r} reads Discrete actions alone; for Box, MultiDiscrete and MultiBinary take "
            "'interval_effect'"
        )
    num_actions = max(batch.num_actions)
    needed = estimator.needed(num_actions, config)
    if config.transitions < needed:
        raise InvalidValueError(
            f"transitions must be at least {needed} for estimator {config.estimator!r} and {num_actions} actions, "
            f"got {config.transitions}"
        )


def _warn(scope: InfluenceScope, transitions: list[Transitions], advice: str) -> None:
    """Warn of a scope that chance may have made, and of one in which agents move nothing."""
    if scope.chance is not None and scope.chance > np.min(scope.delta) * NEAR_DELTA:
        warnings.warn(
            f"chance alone makes figures of up to {scope.chance:.2f} where delta is {scope.delta_text}: the scope "
            f"may hold dimensions that nobody moves; {advice}",
            stacklevel=3,
        )
    taken = times_taken(transitions, max(scope.num_actions))
    if (thin := thin_scope(scope, _some_states(transitions), taken)) is not None:
        warnings.warn(thin, stacklevel=3)


def _some_states(transitions: Any) -> npt.NDArray[Any]:
    """Return states ``[..., K]`` of what was collected, a thousand steps at most."""
    first: Any = transitions[0] if isinstance(transitions, list) else transitions
    return np.asarray(first.states[:1_000])


def as_batch(env: Any, state_fallback: StateFallback = None) -> BatchEnv:
    """Return ``env`` if it is batched, its steps checked, else a batch of one around a PettingZoo ``ParallelEnv``.

    Raises:
        UnsupportedEnvironmentError: for a name or a class, and for what is no environment.
    """
    if isinstance(env, str):
        raise UnsupportedEnvironmentError(
            f"env must be an environment, got {env!r}; make it with make_parallel({env!r})"
        )
    if isinstance(env, type):
        raise UnsupportedEnvironmentError(f"env must be an environment, got the class {env.__name__}; call it")
    if isinstance(env, BatchEnv):
        return guarded(env)
    return ParallelEnvBatch([env], state_fallback=state_fallback, success=None)
