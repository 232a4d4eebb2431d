"""Base class of task families: task names, single and batched environments, requirements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from inspect import signature
from typing import Any

from isa_wrappers.arrays import backend
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.border.start import close_env
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.errors import (
    InvalidValueError,
    MissingDependencyError,
    UnknownTaskError,
    UnsupportedEnvironmentError,
    nearest,
)
from isa_wrappers.scope.influence import InfluenceScope


class EnvFamily(ABC):
    """Tasks that share a prefix, such as ``grid/navigation`` and ``grid/unlock``.

    A family of PettingZoo environments implements :meth:`tasks` and :meth:`parallel`; everything else has a default. A
    family with natively batched tasks also implements :meth:`native_batch`.

    Attributes:
        prefix: part of its task names before the first ``/``; also its name in the list of families.
        description: one line for ``isa envs``.
        copies_per_agent: number of copies per agent that are used at the same time to estimate a scope.
        patience: seconds that a worker process may take for one reset or step before it counts as hung; ``None``
            disables the limit.

    Example:
        >>> from isa_wrappers.envs import GridParallelEnv
        >>> class Toys(EnvFamily):
        ...     prefix = "toy"
        ...     def tasks(self):
        ...         return {"toy/lock": "one lock"}
        ...     def parallel(self, name, grid=5):
        ...         return GridParallelEnv("unlock", num_agents=1, grid=grid, targets=[(0, 3)])
        >>> Toys().batch("toy/lock", num_envs=3).reset(seed=0).state.tolist()
        [[0.0, 0.0, 0.0, 3.0], [0.0, 0.0, 0.0, 3.0], [0.0, 0.0, 0.0, 3.0]]
    """

    prefix: str
    description: str = ""
    copies_per_agent: int = 8
    patience: float | None = 600.0

    @abstractmethod
    def tasks(self) -> Mapping[str, str]:
        """Return the full names of the tasks that are available now, each with a one-line description."""

    @abstractmethod
    def parallel(self, name: str, **kwargs: Any) -> Any:
        """Create a PettingZoo ``ParallelEnv``.

        Args:
            name: full name of the task.
            kwargs: options of the task; options that are not in the signature are refused before the call.
        """

    def missing(self) -> str | None:
        """Return what to install if the family cannot run, as a line that begins with "needs"; else ``None``."""
        return None

    def check(self, name: str) -> None:
        """Check that a task can be created; called before :meth:`parallel` and :meth:`batch`.

        Raises:
            MissingDependencyError: if something has to be installed.
            UnknownTaskError: if there is no such task; the message names the closest one.
        """
        if (missing := self.missing()) is not None:
            raise MissingDependencyError(f"{name} {missing}")
        tasks = self.tasks()
        if name not in tasks:
            raise UnknownTaskError(f"unknown task {name!r}{nearest(name, tasks) or ';'} known: {', '.join(tasks)}")

    def batch(
        self,
        name: str,
        num_envs: int,
        device: str | None = None,
        state_fallback: str | None = None,
        success_rule: SuccessRule = "success",
        workers: int = 0,
        **kwargs: Any,
    ) -> BatchEnv:
        """Create a batched environment: a :meth:`native_batch`, or copies of :meth:`parallel`.

        Args:
            name: full name of the task.
            num_envs: number of copies stepped together.
            device: ``None`` for NumPy, else a torch device.
            state_fallback: replacement for ``state()``; with it, natively batched tasks are stepped copy by copy.
            success_rule: rule that identifies a won episode of a ``ParallelEnv``.
            workers: number of processes that step the copies; 0 for the number given by :meth:`own_workers`.
            kwargs: options of the task.
        """
        native = self.native_batch(name) if state_fallback is None else None
        if native is not None:
            refuse_workers(name, workers)
            return native(num_envs, device, **kwargs)
        make, workers = (
            partial(call_factory, name, self.parallel, (name,), kwargs),
            workers or self.own_workers(num_envs),
        )
        with ExitStack() as closing:  # closes the copies created before one fails
            envs: list[Any] = [make] * num_envs if workers else []
            for _ in range(0 if workers else num_envs):
                envs.append(make())
                closing.callback(close_env, envs[-1])
            batch = ParallelEnvBatch(envs, device, state_fallback, success_rule, workers, self.patience, owned=True)
            closing.pop_all()
        return batch

    def native_batch(self, name: str) -> Callable[..., BatchEnv] | None:
        """Return a function of ``(num_envs, device, **options)`` that creates a natively batched environment.

        Such an environment provides its own states and successes, and steps its copies itself: it takes no workers.
        ``None``, the default, stands for copies of :meth:`parallel`.
        """
        return None

    def own_workers(self, num_envs: int) -> int:
        """Return the default number of worker processes; 0, the default, steps all copies in this process."""
        return 0

    def true_scope(self, name: str, **kwargs: Any) -> InfluenceScope | None:
        """Return the scope that follows from a task's rules; ``None``, the default, if it is unknown.

        Args:
            name: full name of the task.
            kwargs: options of the task.
        """
        return None

    def listeners(self, num_agents: int) -> int:
        """Return how many copies are used at the same time to estimate a scope."""
        return self.copies_per_agent * num_agents

    def device(self, device: str) -> str:
        """Resolve ``auto`` to ``cuda`` if it is available and the family can run on it, else to ``cpu``.

        Raises:
            DeviceError: if ``cuda`` is requested but not available.
        """
        if device != "auto":
            backend(device)
            return device
        return "cuda" if _torch_sees_cuda() else "cpu"

    def short(self, name: str) -> str:
        """Return a task's name without the prefix."""
        return name.removeprefix(f"{self.prefix}/")


def call_factory(name: str, make: Callable[..., Any], arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Create task ``name`` with ``make``, after checking that its signature accepts the options.

    Raises:
        InvalidValueError: if it does not accept them.

    Example:
        >>> call_factory("pow", pow, (), {"base": 2, "exp": 3})
        8
        >>> call_factory("pow", pow, (), {"base": 2, "exp": 3, "power": 3})  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: task 'pow' does not accept ...
    """
    try:
        signature(make).bind(*arguments, **options)
    except TypeError as error:
        raise InvalidValueError(f"task {name!r} does not accept these options: {error}") from error
    except ValueError:  # some built-in functions have no signature
        pass
    return make(*arguments, **options)


def refuse_workers(name: str, workers: int) -> None:
    """Refuse worker processes for a natively batched task.

    Raises:
        InvalidValueError: if any are requested.
    """
    if workers:
        raise InvalidValueError(
            f"workers must be 0 for {name}, got {workers}: the task already steps all copies as one batch"
        )


def no_single_env_error(name: str) -> UnsupportedEnvironmentError:
    """Return the error for a ``ParallelEnv`` requested from a natively batched task."""
    return UnsupportedEnvironmentError(
        f"task {name!r} is batched, so it provides no single ParallelEnv, which make_parallel, isa check, state "
        f"features and state_fallback need; use make_batch, `isa scope {name}`, which checks each step, or isa train"
    )


def _torch_sees_cuda() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()
