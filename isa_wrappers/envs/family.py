"""What a family of tasks is: names, single and batched environments, and what it needs to run here."""

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

    A family of PettingZoo environments says which tasks there are and makes one of them; all else has a default. A
    family that is batched by itself has :meth:`native_batch` too.

    Attributes:
        prefix: what its tasks' names begin with, before the first ``/``; also its name in the list of families.
        description: a line for ``isa envs``.
        copies_per_agent: copies in which each agent is listened to at the same time while a scope is estimated.
        patience: seconds that a worker process may take for one reset or step before it counts as hung; ``None``
            waits for ever.

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
        """Return the full names of the tasks that can be made here now, with a line on each."""

    @abstractmethod
    def parallel(self, name: str, **kwargs: Any) -> Any:
        """Make a PettingZoo ``ParallelEnv``.

        Args:
            name: of the task, in full.
            kwargs: its options; those that the signature does not take are refused before the call.
        """

    def missing(self) -> str | None:
        """Return what to install where the family cannot run, as a line that begins with "needs"; else ``None``."""
        return None

    def check(self, name: str) -> None:
        """Refuse a task that cannot be made here; called before :meth:`parallel` and :meth:`batch`.

        Raises:
            MissingDependencyError: if something has to be installed.
            UnknownTaskError: if there is no such task, naming the nearest.
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
        """Make a batched environment: a :meth:`native_batch`, or copies of :meth:`parallel`.

        Args:
            name: of the task, in full.
            num_envs: copies stepped together.
            device: ``None`` for NumPy, else a torch device.
            state_fallback: what stands for ``state()``; a task that is batched by itself is then taken one by one.
            success_rule: how a ``ParallelEnv`` tells a won episode.
            workers: processes that step the copies; 0 for as many as :meth:`own_workers` says.
            kwargs: options of the task.
        """
        native = self.native_batch(name) if state_fallback is None else None
        if native is not None:
            refuse_workers(name, workers)
            return native(num_envs, device, **kwargs)
        make, workers = partial(called, name, self.parallel, (name,), kwargs), workers or self.own_workers(num_envs)
        with ExitStack() as closing:  # those that were made before one failed
            envs: list[Any] = [make] * num_envs if workers else []
            for _ in range(0 if workers else num_envs):
                envs.append(make())
                closing.callback(close_env, envs[-1])
            batch = ParallelEnvBatch(envs, device, state_fallback, success_rule, workers, self.patience, owned=True)
            closing.pop_all()
        return batch

    def native_batch(self, name: str) -> Callable[..., BatchEnv] | None:
        """Return what makes a batch of a task that is batched by itself, of ``(num_envs, device, **options)``.

        Its states and successes are its own then, and so are its copies: it takes no workers. ``None``, as by default,
        stands for copies of :meth:`parallel`.
        """
        return None

    def own_workers(self, num_envs: int) -> int:
        """Return how many processes step the copies where nobody says; 0, as by default, for this one."""
        return 0

    def true_scope(self, name: str, **kwargs: Any) -> InfluenceScope | None:
        """Return the scope that a task's own rules give; ``None`` where they do not tell it, as by default.

        Args:
            name: of the task, in full.
            kwargs: options of the task.
        """
        return None

    def listeners(self, num_agents: int) -> int:
        """Return how many copies listen at once while a scope is estimated."""
        return self.copies_per_agent * num_agents

    def device(self, device: str) -> str:
        """Turn ``auto`` into ``cuda`` where there is one and the family can run there, else ``cpu``.

        Raises:
            DeviceError: if ``cuda`` is asked for and absent.
        """
        if device != "auto":
            backend(device)
            return device
        return "cuda" if _torch_sees_cuda() else "cpu"

    def short(self, name: str) -> str:
        """Return a task's name without the prefix."""
        return name.removeprefix(f"{self.prefix}/")


def called(name: str, make: Callable[..., Any], arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Call what makes task ``name``, once its signature is known to take the options.

    Raises:
        InvalidValueError: if it does not take them.

    Example:
        >>> called("pow", pow, (), {"base": 2, "exp": 3})
        8
        >>> called("pow", pow, (), {"base": 2, "exp": 3, "power": 3})  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: task 'pow' does not take ...
    """
    try:
        signature(make).bind(*arguments, **options)
    except TypeError as error:
        raise InvalidValueError(f"task {name!r} does not take these options: {error}") from error
    except ValueError:  # some built-in functions do not tell their signature
        pass
    return make(*arguments, **options)


def refuse_workers(name: str, workers: int) -> None:
    """Refuse worker processes for a task that is batched by itself.

    Raises:
        InvalidValueError: if any are asked for.
    """
    if workers:
        raise InvalidValueError(
            f"workers must be 0 for {name}, got {workers}: the task is stepped as one batch already"
        )


def not_single(name: str) -> UnsupportedEnvironmentError:
    """Return the error of a ``ParallelEnv`` asked of a task that is batched by itself."""
    return UnsupportedEnvironmentError(
        f"task {name!r} is batched and makes no single ParallelEnv, as make_parallel, isa check, state features and "
        f"state_fallback need; make_batch takes it, and so does `isa scope {name}`, which checks each of its steps, or "
        "isa train"
    )


def _torch_sees_cuda() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()
