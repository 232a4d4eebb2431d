"""Create environments, single or batched, from task names (``grid/shooting``, ``package.module:factory``)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.blame import ErrorSource
from isa_wrappers.border.spaces import check_state_fallback
from isa_wrappers.border.state_features import Features, choose_features
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.envs.family import EnvFamily, call_factory
from isa_wrappers.envs.featured import FeaturedFamily
from isa_wrappers.envs.own import FAMILY as OWN
from isa_wrappers.errors import InvalidValueError, ISAError, UnknownTaskError, check_int, nearest, one_line
from isa_wrappers.registry import Registry

T = TypeVar("T")

FAMILIES: Registry[EnvFamily] = Registry(
    "task family",
    "isa_marl.tasks",
    {
        "grid": "isa_wrappers.envs.grid.family:FAMILY",
        "mpe": "isa_wrappers.envs.mpe:FAMILY",
        "smax": "isa_wrappers.envs.smax.family:FAMILY",
        "smac": "isa_wrappers.envs.smac.family:FAMILY",
    },
)
"""Task families by name prefix; a package adds one through an entry point ``prefix = module:FAMILY``."""


def family_of(name: str) -> EnvFamily:
    """Return the family of a task, given by the part of its name before the first ``/``, or by a colon in it.

    Raises:
        UnknownTaskError: if there is no such family.
        InvalidValueError: if several packages provide it, or the entry is not a family with that prefix.

    Example:
        >>> family_of("grid/unlock").prefix, family_of("my.package:Door").prefix
        ('grid', 'package.module:factory')
    """
    if ":" in name:
        return OWN
    prefix, slash, _ = name.partition("/")
    if not slash or prefix not in FAMILIES:
        tasks = _query_families(_tasks_of)
        known = ", ".join(f"{prefix}/NAME" for prefix in tasks)
        offer = nearest(name, [task for names in tasks.values() for task in names]) or ";"
        raise UnknownTaskError(f"unknown task {name!r}{offer} known: {known}, or package.module:factory")
    family: Any = FAMILIES[prefix]
    if not isinstance(family, EnvFamily) or getattr(family, "prefix", None) != prefix:
        raise InvalidValueError(
            f"task family {prefix!r} of {FAMILIES.source(prefix)} must be an EnvFamily object whose prefix is "
            f"{prefix!r}, got {family!r}"
        )
    return family


def make_parallel(name: str, *, state_features: str | Features | None = None, **kwargs: Any) -> Any:
    """Create a PettingZoo ``ParallelEnv`` by task name.

    Args:
        name: name of a task, or ``package.module:factory``.
        state_features: as in :func:`make_batch`.
        kwargs: options of the task or arguments of the factory.

    Raises:
        UnknownTaskError: if there is no such task.
        InvalidValueError: if an option is unknown or out of range.
        UnsupportedEnvironmentError: if a factory creates batched environments, or the features do not fit the state.

    Example:
        >>> make_parallel("grid/unlock", num_agents=2).possible_agents
        ['agent_0', 'agent_1']
    """
    family = _usable_family(name, choose_features(state_features))
    return call_factory(name, family.parallel, (name,), kwargs)


def make_batch(
    name: str,
    num_envs: int,
    device: str | None = None,
    state_fallback: str | None = None,
    success_rule: SuccessRule = "success",
    workers: int = 0,
    state_features: str | Features | None = None,
    **kwargs: Any,
) -> BatchEnv:
    """Create a batched environment by task name.

    Args:
        name: name of a task, or ``package.module:factory`` of a ``ParallelEnv`` or a batched environment.
        num_envs: number of copies stepped together.
        device: ``None`` for NumPy, else a torch device.
        state_fallback: ``"observations"`` uses the concatenated observations as the state of a ``ParallelEnv``; a
            natively batched task that also provides a ``ParallelEnv`` is then stepped copy by copy.
        success_rule: rule that identifies a won episode of a ``ParallelEnv``; batched environments report wins.
        workers: number of processes that step the copies of a ``ParallelEnv``; 0 steps them in this process (``smac/``:
            one process per game).
        state_features: a name in :data:`~isa_wrappers.border.state_features.STATE_FEATURES`, such as ``map``, or a
            function that wraps a ``ParallelEnv``; it is applied to every copy and replaces its state.
        kwargs: options of the task or arguments of the factory.

    Raises:
        UnknownTaskError: if there is no such task.
        InvalidValueError: if an option is unknown or out of range, or workers are requested for a natively batched
            task.
        UnsupportedEnvironmentError: if the environment lacks something, or the features do not fit its state.

    Example:
        >>> make_batch("grid/navigation", num_envs=8).reset(seed=0).state.shape
        (8, 28)
    """
    check_state_fallback(state_fallback)
    family = _usable_family(name, choose_features(state_features, None, state_fallback))
    num_envs, workers = check_int("num_envs", num_envs, 1), check_int("workers", workers, 0)
    arguments = (name, num_envs, device, state_fallback, success_rule, workers)
    with ErrorSource(f"making task {name!r}"):
        batch: BatchEnv = call_factory(name, family.batch, arguments, kwargs)
    return batch


def available_tasks() -> dict[str, str]:
    """Return the names of all available tasks, each with a one-line description.

    A family that fails to list its tasks is skipped with a warning.
    """
    return {name: text for tasks in _query_families(_tasks_of).values() for name, text in tasks.items()}


def missing_families() -> dict[str, str]:
    """Return the families that cannot run, by prefix: description and requirements."""
    requirements = _query_families(lambda family: (family.description, family.missing()))
    return {
        prefix: f"{text}; {line}" if text else line for prefix, (text, line) in requirements.items() if line is not None
    }


def task_source(name: str) -> str:
    """Return the package that provides the family of a task.

    Example:
        >>> task_source("grid/unlock")
        'isa-marl'
    """
    return FAMILIES.source(name.partition("/")[0])


def _usable_family(name: str, features: Features | None) -> EnvFamily:
    """Return the family of an available task, with its environments wrapped by ``features``."""
    family = family_of(name)
    family.check(name)
    return family if features is None else FeaturedFamily(family, features)


def _tasks_of(family: EnvFamily) -> dict[str, str]:
    tasks = dict(family.tasks())
    for name in tasks:
        if not name.startswith(f"{family.prefix}/"):
            raise InvalidValueError(f"its tasks must be named {family.prefix}/NAME, got {name!r}")
    return tasks


def _query_families(query: Callable[[EnvFamily], T]) -> dict[str, T]:
    """Call ``query`` for every family; return the answers by prefix, and warn of families that fail."""
    results = {}
    for prefix in FAMILIES:
        try:
            results[prefix] = query(family_of(f"{prefix}/"))
        except Exception as error:  # a failing third-party package must not affect the others
            failure = str(error) if isinstance(error, ISAError) else f"{type(error).__name__}: {error}"
            warnings.warn(
                f"task family {prefix!r} of {FAMILIES.source(prefix)} is skipped: {one_line(failure)}",
                stacklevel=1,  # one location for all callers, so that Python shows each warning once
            )
    return results
