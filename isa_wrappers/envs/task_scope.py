"""The scope of a task by name: estimated, or derived from its rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from isa_wrappers.arrays import Array
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.batch.wrapper import BatchWrapper
from isa_wrappers.blame import ErrorSource
from isa_wrappers.border.start import close_env
from isa_wrappers.border.state_features import Features
from isa_wrappers.config import ScopeConfig
from isa_wrappers.envs.registry import family_of, make_batch
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.scope.estimation import estimate_scope
from isa_wrappers.scope.estimators import ESTIMATORS
from isa_wrappers.scope.files import storable_names
from isa_wrappers.scope.influence import InfluenceScope


class CountedSteps(BatchWrapper):
    """Reports after each step the number of environment steps taken, summed over all copies.

    Args:
        env: the environment.
        on_steps: function called with that number.
    """

    def __init__(self, env: BatchEnv, on_steps: Callable[[int], None]) -> None:
        super().__init__(env)
        self._on_steps = on_steps
        self._num_steps = 0

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy."""
        step = self.env.step(actions)
        self._num_steps += self.num_envs
        self._on_steps(self._num_steps)
        return step


def estimate_task_scope(
    name: str,
    config: ScopeConfig | None = None,
    seed: int = 0,
    state_fallback: str | None = None,
    state_features: str | Features | None = None,
    device: str | None = None,
    on_steps: Callable[[int], None] | None = None,
    **kwargs: Any,
) -> InfluenceScope:
    """Estimate the scope of a task by name, with the number of copies given by ``config`` or its family.

    Args:
        name: as in :func:`make_batch`.
        config: options of the estimate.
        seed: seed of the environment and of the random actions.
        state_fallback: as in :func:`make_batch`.
        state_features: as in :func:`make_batch`.
        device: device of the computation, as in :func:`~isa_wrappers.scope.estimation.estimate_scope`; the environment
            runs on the host.
        on_steps: function called after each step with the number of environment steps so far.
        kwargs: options of the task.

    Raises:
        ISAError: as :func:`make_batch` and :func:`~isa_wrappers.scope.estimation.estimate_scope` do.

    Example:
        >>> estimate_task_scope("grid/unlock", num_agents=2).special_dims
        [[0, 1], [2, 3]]
    """
    return scope_of_task(name, kwargs, config or ScopeConfig(), seed, state_fallback, state_features, device, on_steps)


def scope_of_task(
    name: str,
    options: Mapping[str, Any],
    config: ScopeConfig,
    seed: int,
    state_fallback: str | None,
    features: str | Features | None,
    device: str | None,
    on_steps: Callable[[int], None] | None = None,
    kept: bool = False,
) -> InfluenceScope:
    """Do the work of :func:`estimate_task_scope`; ``options`` of the task may share names with its arguments.

    Set ``kept`` if the scope will be written to a file: agent names that cannot be stored are then refused first.
    """
    probe = make_batch(name, 1, None, state_fallback, state_features=features, **options)
    agents = len(probe.agents)
    close_env(probe)
    if kept:
        storable_names(probe.agents)
    all_at_once = ESTIMATORS[config.estimator].collect == "all_at_once"
    copies = config.copies or family_of(name).listeners(1 if all_at_once else agents)
    env = make_batch(name, copies, None, state_fallback, None, 0, features, **options)
    try:
        with ErrorSource(f"estimating the scope of task {name!r}"):
            scope = estimate_scope(
                env if on_steps is None else CountedSteps(env, on_steps), config, seed, device=device
            )
    finally:
        close_env(env)
    return replace(scope, settings={"env": name, "env_kwargs": dict(options), **scope.settings})


def true_task_scope(name: str, **kwargs: Any) -> InfluenceScope:
    """Return the scope that follows from a task's rules, without any environment step.

    Args:
        name: as in :func:`make_batch`.
        kwargs: options of the task.

    Raises:
        UnsupportedEnvironmentError: if the task does not provide its scope.
        ISAError: as :func:`make_batch` does.

    Example:
        >>> true_task_scope("grid/dials", overlap=0.25).common_dims
        [0]
    """
    family = family_of(name)
    family.check(name)
    scope = family.true_scope(name, **kwargs)
    if scope is None:
        raise UnsupportedEnvironmentError(
            f"task {name!r} does not provide its true scope, unlike the tasks of grid/; estimate its scope instead"
        )
    return replace(scope, settings={"env": name, "env_kwargs": kwargs, "env_steps": 0})
