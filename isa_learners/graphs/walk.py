"""Inspection of objects: their tensors, functions that replace these, and all other values."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from types import CellType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

Path = tuple[Any, ...]
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type, ModuleType, FunctionType)
RECORDED = "cuda"
"""Device type whose tensors and generators are part of a recording."""
LARGE = 2**20
"""Arrays on the host with at least this number of bytes count as unchanged if their address is unchanged."""


@dataclass
class View:
    """The contents of objects at the time of inspection.

    Attributes:
        tensors: tensors on the device, by path.
        put: functions that replace the tensor at a path.
        known: all other values by path: numbers, names, lengths, shapes, arrays and states of generators on the host.
        generators: generators on CUDA.
        kept: mappings and lists, each with a copy of its contents.
    """

    tensors: dict[Path, Tensor] = field(default_factory=dict)
    put: dict[Path, Callable[[Tensor], None]] = field(default_factory=dict)
    known: dict[Path, Any] = field(default_factory=dict)
    generators: list[torch.Generator] = field(default_factory=list)
    kept: list[tuple[Any, Any]] = field(default_factory=list)

    def restore(self) -> None:
        """Restore the contents of all objects; the values of tensors do not change."""
        for mutable, items in self.kept:
            mutable.clear()
            mutable.update(items) if isinstance(mutable, (dict, set)) else mutable.extend(items)


def walk(roots: Iterable[Any], leave: tuple[type, ...] = ()) -> View:
    """Inspect objects recursively.

    Args:
        roots: objects to start from.
        leave: types of objects that are not inspected, because nothing in them changes.

    Example:
        >>> class Counter:
        ...     def __init__(self):
        ...         self.total, self.name = np.zeros(2), "wins"
        >>> counter = Counter()
        >>> view = walk([counter])
        >>> view.known[(0, "name")]
        'wins'
        >>> counter.total, counter.more = np.ones(2), 3
        >>> walk([counter]).known == view.known
        False
        >>> view.restore()
        >>> counter.total.tolist(), hasattr(counter, "more")
        ([0.0, 0.0], False)
    """
    walker = _Walker(leave)
    for number, root in enumerate(roots):
        walker.visit((number,), root, _refuse)
    return walker.view


def _refuse(value: Any) -> None:
    raise TypeError("a tensor that is itself a root cannot be replaced: walk the object that holds it")


def host_draws() -> tuple[Any, ...]:
    """Return the states of the global random generators of Python, NumPy and torch on the host."""
    name, keys, *rest = np.random.get_state(legacy=True)
    return random.getstate(), name, np.asarray(keys).tobytes(), rest, torch.get_rng_state().numpy().tobytes()


class _Walker:
    def __init__(self, leave: tuple[type, ...]) -> None:
        self.view, self.leave = View(), leave
        self._paths: dict[int, Path] = {}
        self._alive: list[Any] = []  # keeps objects alive, so that no id is reused during the inspection

    def visit(self, path: Path, value: Any, put: Callable[[Any], None]) -> None:
        known = self.view.known
        if isinstance(value, Tensor) and value.device.type == RECORDED:
            self.view.tensors[path], self.view.put[path] = value, put
            known[path] = value.dtype, tuple(value.shape), str(value.device)
        elif isinstance(value, Tensor):  # on the host, which may read it at any time
            self._on_host(path, value.detach().reshape(-1).view(torch.uint8).numpy())
            known[path] += (str(value.dtype), tuple(value.shape))
        elif isinstance(value, FunctionType) and value.__closure__:
            known[path] = value, tuple(map(_cell_identity, value.__closure__))
        elif isinstance(value, _PLAIN):
            known[path] = value
        elif isinstance(value, (set, frozenset, bytearray)):
            known[path] = bytes(value) if isinstance(value, bytearray) else frozenset(map(_identity, value))
            if not isinstance(value, frozenset):
                self.view.kept.append((value, type(value)(value)))
        elif isinstance(value, torch.Generator):
            self._generator(path, value)
        elif isinstance(value, (np.random.Generator, random.Random)):
            state = value.getstate() if isinstance(value, random.Random) else value.bit_generator.state
            known[path] = repr(state)
        elif isinstance(value, np.ndarray):
            self._on_host(path, value)
        elif id(value) in self._paths:
            known[path] = self._paths[id(value)]
        else:
            self._paths[id(value)] = path
            self._alive.append(value)
            self._visit_parts(path, value, put)

    def _visit_parts(self, path: Path, value: Any, put: Callable[[Any], None]) -> None:
        if isinstance(value, tuple):
            self.view.known[path] = len(value)
            parts = list(value)
            for number, part in enumerate(value):
                self.visit((*path, number), part, _tuple_setter(parts, number, value, put))
        elif isinstance(value, (list, deque)):
            self.view.known[path] = len(value)
            self.view.kept.append((value, list(value)))
            for number, part in enumerate(value):
                self.visit((*path, number), part, _item_setter(value, number))
        elif isinstance(value, dict):
            self._visit_mapping(path, value)
        elif hasattr(value, "__self__"):  # a method, also of a built-in object
            self.visit((*path, "of"), value.__self__, _refuse)
        elif isinstance(value, self.leave):
            self.view.known[path] = type(value), id(value)
        elif isinstance(value, partial):
            self.visit((*path, "partial"), (value.func, value.args, value.keywords), _refuse)
        elif isinstance(value, Iterator) and not hasattr(value, "__dict__"):
            self.view.known[path] = object()  # its position is unknown, so it never counts as unchanged
        else:
            self._visit_object(path, value)

    def _visit_object(self, path: Path, value: Any) -> None:
        self.view.known[path] = type(value), id(value)
        kind: Any = type(value)
        for name in _slots(kind):
            if hasattr(value, name):
                self.visit((*path, "slot", name), getattr(value, name), _slot_setter(value, name))
        if hasattr(value, "__dict__"):
            self._visit_mapping(path, vars(value))

    def _visit_mapping(self, path: Path, value: dict[Any, Any]) -> None:
        self.view.known[path] = tuple(key for key in value if isinstance(key, _PLAIN))
        self.view.kept.append((value, dict(value)))
        for number, (key, part) in enumerate(value.items()):
            step = key if isinstance(key, _PLAIN) else ("key", number)
            self.visit((*path, step), part, _item_setter(value, key))

    def _on_host(self, path: Path, value: Any) -> None:
        content = value.tobytes() if value.nbytes < LARGE else value.__array_interface__["data"]
        self.view.known[path] = value.dtype, value.shape, content

    def _generator(self, path: Path, value: torch.Generator) -> None:
        if value.device.type == RECORDED:
            self.view.generators.append(value)
            self.view.known[path] = id(value)
        else:
            self.view.known[path] = value.get_state().numpy().tobytes()


def _identity(value: Any) -> Any:
    """Return a value that changes if ``value`` is a different object."""
    return value if isinstance(value, _PLAIN) else id(value)


@cache
def _slots(kind: Any) -> tuple[str, ...]:
    """Return the slots of a class."""
    declared = (vars(base).get("__slots__", ()) for base in kind.__mro__)
    names = [name for slots in declared for name in ([slots] if isinstance(slots, str) else slots)]
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _cell_identity(cell: CellType) -> Any:
    try:
        return _identity(cell.cell_contents)
    except ValueError:  # an empty cell
        return None


def _slot_setter(owner: Any, name: str) -> Callable[[Any], None]:
    return lambda value: setattr(owner, name, value)


def _item_setter(mutable: Any, key: Any) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        mutable[key] = value

    return put


def _tuple_setter(
    parts: list[Any], number: int, original: tuple[Any, ...], put: Callable[[Any], None]
) -> Callable[[Any], None]:
    """Return a function that replaces a tuple by one with a new value and the other ``parts`` as they are then."""

    def put_part(value: Any) -> None:
        parts[number] = value
        put(tuple(parts) if type(original) is tuple else type(original)(*parts))

    return put_part
