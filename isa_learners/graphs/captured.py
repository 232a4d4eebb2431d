"""Functions that keep state in objects, recorded as CUDA graphs and replayed."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from isa_learners.graphs.walk import Path, View, host_draws, walk

SWITCH = "ISA_GRAPHS"
"""Environment variable; 0 disables recording."""
PATIENCE = 8
"""Number of consecutive calls with changes outside tensors after which a function is never recorded."""


class Graph(Protocol):
    """Records work and replays it."""

    def record(self, work: Callable[[], None], generators: Sequence[torch.Generator]) -> None:
        """Record ``work`` without executing it; random numbers come from ``generators`` and the default one."""
        ...

    def replay(self) -> None:
        """Execute the recorded work on the tensors that it was recorded with."""
        ...


class CUDAGraph:
    """A torch CUDA graph."""

    def __init__(self) -> None:
        self._graph = torch.cuda.CUDAGraph()

    def record(self, work: Callable[[], None], generators: Sequence[torch.Generator]) -> None:
        """Record ``work``; see :class:`Graph`."""
        stream = torch.cuda.current_stream()
        states = [generator.clone_state() for generator in generators]
        collects = gc.isenabled()
        gc.disable()  # memory on the device cannot be freed during a recording
        try:
            for generator in generators:
                self._graph.register_generator_state(generator)
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):  # JAX threads keep running
                work()
        except Exception:
            torch.cuda.set_stream(stream)
            for generator, state in zip(
                generators, states, strict=True
            ):  # otherwise the generator counts as being recorded forever
                generator.graphsafe_set_state(state)
            raise
        finally:
            if collects:
                gc.enable()

    def replay(self) -> None:
        """Execute the recorded work."""
        self._graph.replay()


def graphs_on(device: str) -> bool:
    """Return whether work on a device is recorded: on CUDA, unless :data:`SWITCH` is 0."""
    return str(device).startswith("cuda") and os.environ.get(SWITCH, "1") != "0"


class Captured:
    """Calls a function, and replays a recording once each call is known to do the same.

    A recording is valid for the same tensors and the same values of all other attributes. So before each use the
    objects that the function reads and writes are inspected (:func:`~isa_learners.graphs.walk.walk`). Tensors that
    have replaced the recorded ones are copied into those. If anything else has changed, the function is called
    directly until a call changes only tensors, and is then recorded again. Within a recording, tensors that the
    function assigns to its objects are copied into the previous ones, so that the next replay finds them.

    A function that cannot be recorded, because it changes more than the values of tensors or needs the host, is always
    called directly, and :attr:`refused` holds the reason.

    Args:
        function: function of tensors, or dataclasses of tensors, with the same shapes in each call; it may read and
            write the objects ``roots``, and returns tensors, a tuple of them, or ``None``. It must not depend on
            anything else that changes.
        roots: objects that the function reads and writes.
        leave: types of objects in them that are not inspected.
        make: creates a recording; by default a :class:`CUDAGraph`.

    Attributes:
        refused: reason why the function is not recorded, or ``None``.
        replays: number of replays.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        roots: Sequence[Any],
        leave: tuple[type, ...] = (),
        make: Callable[[], Graph] | None = None,
    ) -> None:
        self._function = function
        self._roots = roots
        self._leave = leave
        self._make = make or CUDAGraph
        self._known: dict[Path, Any] | None = None
        self._changing_calls = 0
        self._replaced: set[Path] = set()
        self._graph: Graph | None = None
        self._static: dict[Path, Tensor] = {}
        self._arguments: tuple[Any, ...] = ()
        self._result: Any = None
        self.refused: str | None = None
        self.replays = 0

    def __call__(self, *arguments: Any) -> Any:
        """Call the function; later calls do not change the returned tensors."""
        return self.repeat(1, *arguments)

    def repeat(self, times: int, *arguments: Any) -> Any:
        """Call the function ``times`` times with the same arguments; return the result of the last call."""
        result = None
        while times:
            graph = self._current_graph(arguments)
            if graph is None:
                result, times = self._call(arguments), times - 1
                continue
            for _ in range(times):
                graph.replay()
            self.replays += times
            return _copies(self._result)
        return result

    def _call(self, arguments: tuple[Any, ...]) -> Any:
        """Call the function directly, and note which tensors it replaces."""
        if self.refused is not None:
            return self._function(*arguments)
        before = walk(self._roots, self._leave)
        generators_before = host_draws()
        result = self._function(*arguments)
        after = walk(self._roots, self._leave)
        if host_draws() != generators_before:
            self.refused = "it draws from a generator on the host"
        self._replaced = {path for path, tensor in after.tensors.items() if tensor is not before.tensors.get(path)}
        self._known = after.known if before.known == after.known else None
        self._changing_calls = 0 if self._known is not None else self._changing_calls + 1
        if self._changing_calls == PATIENCE:
            self.refused = "each call changes more than the values of tensors: " + _difference(before, after)
        return result

    def _current_graph(self, arguments: tuple[Any, ...]) -> Graph | None:
        """Return a valid recording with the current values in its tensors, or ``None``."""
        if self.refused is not None:
            return None
        view = walk(self._roots, self._leave)
        if self._known is None or view.known != self._known:
            self._graph = None
            self._known = None
            return None
        if self._graph is not None and _shapes(arguments) == _shapes(self._arguments):
            self._copy_in(view, arguments)
        else:
            self._record(view, arguments)
        return self._graph

    def _copy_in(self, view: View, arguments: tuple[Any, ...]) -> None:
        """Copy replaced tensors and the arguments into the tensors of the recording."""
        for path, tensor in view.tensors.items():
            static = self._static[path]
            if tensor is not static:
                static.copy_(tensor)
                view.put[path](static)
        for static, tensor in zip(_tensors(self._arguments), _tensors(arguments), strict=True):
            static.copy_(tensor)

    def _record(self, view: View, arguments: tuple[Any, ...]) -> None:
        """Record the function from the current state."""
        for path in self._replaced:  # two attributes may share a tensor now and hold different ones later
            view.put[path](view.tensors[path].clone(memory_format=torch.contiguous_format))
        view = walk(self._roots, self._leave)
        self._arguments = _copies(arguments)
        graph = self._make()
        problem: list[str] = []

        def work() -> None:
            try:
                self._result = _copies(self._function(*self._arguments))  # a copy, as it may be overwritten below
                after = walk(self._roots, self._leave)
                if after.known != view.known:
                    problem.append("it changes more than the values of tensors: " + _difference(view, after))
                else:
                    _write_back(view, after)
            finally:
                view.restore()

        try:
            graph.record(work, view.generators)
        except Exception as error:  # CUDA cannot record it; any other error will occur in a direct call
            problem.append(str(error).splitlines()[0] if str(error) else type(error).__name__)
        if problem:
            self.refused = problem[0]
            self._graph = None
            self._result = None
        else:
            self._graph, self._static = graph, view.tensors


def _write_back(before: View, after: View) -> None:
    """Copy new tensors into those that they replaced."""
    storages = {tensor.untyped_storage().data_ptr() for tensor in before.tensors.values()}
    moved = [(before.tensors[path], tensor) for path, tensor in after.tensors.items()]
    moved = [(static, tensor) for static, tensor in moved if tensor is not static]
    # A new tensor may be one that is overwritten at another path, so copy first.
    sources = [tensor.clone() if tensor.untyped_storage().data_ptr() in storages else tensor for _, tensor in moved]
    for (static, _), source in zip(moved, sources, strict=True):
        static.copy_(source)


def _difference(before: View, after: View) -> str:
    paths = {*before.known, *after.known}
    changed = sorted(".".join(map(str, p)) for p in paths if before.known.get(p) != after.known.get(p))
    return ", ".join(changed[:3])


def _copies(value: Any) -> Any:
    """Return copies of tensors, tuples of them, or dataclasses of them."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, tuple):
        return tuple(map(_copies, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _copies(getattr(value, f.name)) for f in fields(value)})
    return value


def _tensors(value: Any) -> list[Tensor]:
    """Return the tensors of arguments, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, tuple):
        return [tensor for part in value for tensor in _tensors(part)]
    if is_dataclass(value):
        return [tensor for f in fields(value) for tensor in _tensors(getattr(value, f.name))]
    return []


def _shapes(value: Any) -> list[Any]:
    return [(tensor.dtype, tuple(tensor.shape)) for tensor in _tensors(value)]
