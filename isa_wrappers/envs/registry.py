"""Task names (``grid/shooting``, ``package.module:factory``) to environments, single or batched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Any

from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.config import ScopeConfig
from isa_wrappers.envs.grid.batch import GridBatch
from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.rules import grid_task
from isa_wrappers.envs.mpe import MPEParallelEnv, mpe_names
from isa_wrappers.envs.smac.install import smac_names
from isa_wrappers.envs.smac.parallel import SMACParallelEnv
from isa_wrappers.envs.smax.batch import SMAXBatch
from isa_wrappers.envs.smax.game import smax_game
from isa_wrappers.envs.smax.install import has_jaxmarl
from isa_wrappers.envs.smax.parallel import SMAXParallelEnv
from isa_wrappers.envs.smax.scenarios import SCENARIOS
from isa_wrappers.errors import InvalidValueError, UnknownTaskError, nearest
from isa_wrappers.scope.estimation import estimate_scope
from isa_wrappers.scope.estimators import ESTIMATORS
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.success import SuccessRule

COPIES_PER_AGENT = 8
"""Copies in which each agent is listened to at the same time."""
GAMES = 8
"""StarCraft games that listen at the same time, at most."""
GAME_PATIENCE = 1_200.0
"""Seconds until a worker's game is killed: above pysc2's 360 of silence and the launches that follow them."""

TASKS = {
    "grid/navigation": "7 agents each take one of 7 landmarks; +1 a landmark",
    "grid/unlock": "7 agents each open their own lock; +1 a lock",
    "grid/shooting": "3 agents hold 3 posts and shoot more than 50 bullets together; +1 on success",
}
"""Built-in task names and what they ask for."""


def make_parallel(name: str, **kwargs: Any) -> Any:
    """Make a PettingZoo ``ParallelEnv`` by task name.

    Args:
        name: a built-in task or ``package.module:factory``.
        kwargs: options of the task or arguments of the factory.

    Raises:
        UnknownTaskError: if there is no such task.
        InvalidValueError: if an option is unknown or out of range.

    Example:
        >>> make_parallel("grid/unlock", num_agents=2).possible_agents
        ['agent_0', 'agent_1']
    """
    if name.startswith("grid/"):
        _known(name)
        return _called(name, GridParallelEnv, {"name": name.removeprefix("grid/"), **kwargs})
    return _parallel_factory(name)(kwargs)


def make_batch(
    name: str,
    num_envs: int,
    device: str | None = None,
    state_fallback: str | None = None,
    success_rule: SuccessRule = "success",
    **kwargs: Any,
) -> BatchEnv:
    """Make a batched environment by task name.

    Args:
        name: a built-in task or ``package.module:factory`` of a ``ParallelEnv``.
        num_envs: copies stepped together.
        device: ``None`` for NumPy, else a torch device.
        state_fallback: ``"observations"`` takes them, concatenated, for the state of a ``ParallelEnv``.
        success_rule: how a ``ParallelEnv`` tells a won episode; ``grid/`` and ``smax/`` tell it themselves.
        kwargs: options of the task or arguments of the factory.

    Raises:
        UnknownTaskError: if there is no such task.
        InvalidValueError: if an option is unknown or out of range.

    Example:
        >>> make_batch("grid/navigation", num_envs=8).reset(seed=0).state.shape
        (8, 28)
    """
    if name.startswith("smax/"):
        return SMAXBatch(smax_game(name.removeprefix("smax/"), **kwargs), num_envs, device)
    if not name.startswith("grid/"):
        make = _parallel_factory(name)
        if name.startswith("smac/"):  # one game a process: each is waited for, and crashes by itself
            games = [partial(make, kwargs)] * num_envs
            return ParallelEnvBatch(games, device, state_fallback, success_rule, workers=True, timeout=GAME_PATIENCE)
        return ParallelEnvBatch([make(kwargs) for _ in range(num_envs)], device, state_fallback, success_rule)
    _known(name)
    return GridBatch(_called(name, grid_task, {"name": name.removeprefix("grid/"), **kwargs}), num_envs, device)


def estimate_task_scope(
    name: str,
    config: ScopeConfig | None = None,
    seed: int = 0,
    state_fallback: str | None = None,
    **kwargs: Any,
) -> InfluenceScope:
    """Estimate the scope of a task by name, in several copies for each agent that is listened to by itself.

    Args:
        name: as in :func:`make_batch`.
        config: of the estimate.
        seed: of the environment and the random actions.
        state_fallback: as in :func:`make_batch`.
        kwargs: options of the task.

    Raises:
        ISAError: as :func:`make_batch` and :func:`~isa_wrappers.scope.estimation.estimate_scope` do.

    Example:
        >>> estimate_task_scope("grid/unlock", num_agents=2).special_dims
        [[0, 1], [2, 3]]
    """
    agents = len(make_batch(name, 1, None, state_fallback, **kwargs).agents)
    together = ESTIMATORS[(config or ScopeConfig()).estimator].collect == "all_at_once"
    copies = min(agents, GAMES) if name.startswith("smac/") else COPIES_PER_AGENT * (1 if together else agents)
    scope = estimate_scope(make_batch(name, copies, None, state_fallback, None, **kwargs), config, seed)
    return replace(scope, settings={"env": name, "env_kwargs": kwargs, **scope.settings})


def _parallel_factory(name: str) -> Callable[[dict[str, Any]], Any]:
    """Return what makes one ``ParallelEnv`` of a task that is not batched by itself."""
    if name.startswith("smax/"):
        return lambda kwargs: SMAXParallelEnv(name.removeprefix("smax/"), **kwargs)
    if name.startswith("smac/"):
        return lambda kwargs: SMACParallelEnv(name.removeprefix("smac/"), **kwargs)
    if name.startswith("mpe/"):
        short = name.removeprefix("mpe/")
        return lambda kwargs: MPEParallelEnv(short, **kwargs)
    if ":" in name:
        factory = _factory(name)
        return lambda kwargs: _called(name, factory, kwargs)
    raise _unknown(name)


def available_tasks() -> dict[str, str]:
    """Return the names of all tasks that can be made here, with a line on each."""
    found = TASKS | {f"mpe/{name}": "particle environment of package mpe2" for name in mpe_names()}
    if has_jaxmarl():
        found |= {f"smax/{name}": "SMAC's battle in SMAX (package jaxmarl)" for name in SCENARIOS}
    return found | {f"smac/{name}": "SMAC's battle in StarCraft II" for name in smac_names()}


def _known(name: str) -> None:
    if name not in TASKS:
        raise _unknown(name)


def _unknown(name: str) -> UnknownTaskError:
    offer = nearest(name, available_tasks())
    known = f"{', '.join(TASKS)}, mpe/NAME, smax/NAME, smac/NAME, or package.module:factory"
    return UnknownTaskError(f"unknown task {name!r}{offer}; known: {known}")


def _factory(name: str) -> Callable[..., Any]:
    module_name, _, attribute = name.partition(":")
    if not attribute or not all(part.isidentifier() for part in module_name.split(".")):
        raise UnknownTaskError(f"a task of your own is named package.module:factory, got {name!r}")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise UnknownTaskError(f"cannot import {name!r}: no module {error.name!r} on the Python path") from error
    factory = getattr(module, attribute, None)
    if not callable(factory):
        raise UnknownTaskError(
            f"module {module_name!r} has no function {attribute!r}; name one that returns a ParallelEnv"
        )
    return factory  # type: ignore[no-any-return]


def _called(name: str, factory: Callable[..., Any], kwargs: dict[str, Any]) -> Any:
    try:
        signature(factory).bind(**kwargs)
    except TypeError as error:
        raise InvalidValueError(f"task {name!r} does not take these options: {error}") from error
    return factory(**kwargs)
