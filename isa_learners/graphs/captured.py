"""A function that keeps state in objects, recorded as a CUDA graph once what it does is known, and replayed from it."""

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
"""Set to 0 in the environment, it lets everything run call by call."""
PATIENCE = 8
"""Calls in a row that change what Python knows, after which a function is taken to do so always."""


class Graph(Protocol):
    """Something that records work and does it again."""

    def record(self, work: Callable[[], None], generators: Sequence[torch.Generator]) -> None:
        """Record ``work``, without doing it; random numbers are drawn from ``generators`` and the default one."""
        ...

    def replay(self) -> None:
        """Do what was recorded, with the tensors that it was recorded with."""
        ...


class CUDAGraph:
    """A CUDA graph of torch."""

    def __init__(self) -> None:
        self._graph = torch.cuda.CUDAGraph()

    def record(self, work: Callable[[], None], generators: Sequence[torch.Generator]) -> None:
        """Record ``work``; see :class:`Graph`."""
        stream = torch.cuda.current_stream()
        states = [generator.clone_state() for generator in generators]
        collects = gc.isenabled()
        gc.disable()  # what it would free on the device now cannot be freed in a recording
        try:
            for generator in generators:
                self._graph.register_generator_state(generator)
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):  # JAX's threads go on
                work()
        except Exception:
            torch.cuda.set_stream(stream)
            for generator, state in zip(generators, states, strict=True):  # else it counts as being recorded for ever
                generator.graphsafe_set_state(state)
            raise
        finally:
            if collects:
                gc.enable()

    def replay(self) -> None:
        """Do what was recorded."""
        self._graph.replay()


def graphs_on(device: str) -> bool:
    """Tell whether work on a device is to be recorded: on CUDA, unless :data:`SWITCH` is 0."""
    return str(device).startswith("cuda") and os.environ.get(SWITCH, "1") != "0"


class Captured:
    """Calls a function; from the time on that it is known to do the same each time, from a recording.

    A recording holds for the same tensors and for what Python knew then. So before each use the objects that the
    function reads and writes are walked (:func:`~isa_learners.graphs.walk.walk`): tensors that somebody else has put in
    the place of the recorded ones are copied into those, and where anything else has changed, the function is called as
    it is until a call has changed nothing else, and then recorded anew. Within a recording the tensors that the
    function puts into its objects are copied into those that were there before, so that the next run finds them.

    What cannot be recorded (a function whose objects change in more than tensors' values, one that asks the host) is
    called as it is from then on, and :attr:`refused` says why.

    Args:
        function: of tensors, or dataclasses of tensors, all of the same shapes in each call; it may read and write the
            objects ``roots``, and returns tensors, a tuple of them, or None. It must not depend on anything else that
            changes.
        roots: the objects.
        leave: types of objects in them that are not looked into.
        make: makes a recording; by default a :class:`CUDAGraph`.

    Attributes:
        refused: why the function is not recorded; None as long as it may be.
        replays: how often it was run from a recording.
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
        """Call the function; what it returns is the caller's."""
        return self.repeat(1, *arguments)

    def repeat(self, times: int, *arguments: Any) -> Any:
        """Call the function so many times with the same arguments; return what the last call does."""
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
        """Call the function as it is, and note which tensors it puts elsewhere."""
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
        """Return a recording that holds, its tensors holding what the objects do now; None where there can be none."""
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
        """Copy what others have put into the objects, and the arguments, to where the recording reads them."""
        for path, tensor in view.tensors.items():
            static = self._static[path]
            if tensor is not static:
                static.copy_(tensor)
                view.put[path](static)
        for static, tensor in zip(_tensors(self._arguments), _tensors(arguments), strict=True):
            static.copy_(tensor)

    def _record(self, view: View, arguments: tuple[Any, ...]) -> None:
        """Record the function as it goes on from here."""
        for path in self._replaced:  # two places may hold one tensor now that will hold different ones
            view.put[path](view.tensors[path].clone(memory_format=torch.contiguous_format))
        view = walk(self._roots, self._leave)
        self._arguments = _copies(arguments)
        graph = self._make()
        problem: list[str] = []

        def work() -> None:
            try:
                self._result = _copies(self._function(*self._arguments))  # it may be what is written over below
                after = walk(self._roots, self._leave)
                if after.known != view.known:
                    problem.append("it changes more than the values of tensors: " + _difference(view, after))
                else:
                    _write_back(view, after)
            finally:
                view.restore()

        try:
            graph.record(work, view.generators)
        except Exception as error:  # CUDA refuses to record it; any other error will show in a plain call
            problem.append(str(error).splitlines()[0] if str(error) else type(error).__name__)
        if problem:
            self.refused = problem[0]
            self._graph = None
            self._result = None
        else:
            self._graph, self._static = graph, view.tensors


def _write_back(before: View, after: View) -> None:
    """Copy tensors that were put elsewhere into those that stood there before."""
    storages = {tensor.untyped_storage().data_ptr() for tensor in before.tensors.values()}
    moved = [(before.tensors[path], tensor) for path, tensor in after.tensors.items()]
    moved = [(static, tensor) for static, tensor in moved if tensor is not static]
    # One may be what stood somewhere else before, and is about to be overwritten there.
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
