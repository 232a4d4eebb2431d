"""Registries of named entries that users and packages can extend."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from traceback import extract_tb
from typing import Any, ClassVar, Generic, TypeVar, cast

from isa_wrappers.errors import InvalidValueError, UnknownNameError, check_name, nearest, one_line, shown

T = TypeVar("T")
BUILT_IN = "isa-marl"
NOT_THEIRS = {"importlib", "isa_wrappers", "isa_learners"}
"""Folders whose modules never belong to a plugin."""


class Registry(Mapping[str, T], Generic[T]):
    """A mapping from names to entries. Built-in entries are given by ``module:attribute`` and imported on first use.

    A package adds an entry with an entry point in the registry's group; a program or test uses :meth:`register`. An
    entry point that cannot be imported is skipped with a single one-line warning. A name that two packages provide is
    not usable until one of them is uninstalled.

    Args:
        kind: name of an entry in messages, such as ``"credit rule"``.
        group: group of the entry points, such as ``"isa_marl.credit_rules"``.
        built_in: name -> ``"module:attribute"``.
        of: class of the entries, or ``Callable``; other entries are refused, or skipped if a package provides them.

    Example:
        >>> roots = Registry("root", "no.such.group", {"square": "math:sqrt", "cubic": "math:cbrt"})
        >>> roots["square"](9.0), list(roots)
        (3.0, ['square', 'cubic'])
        >>> roots["sqare"]
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.UnknownNameError: unknown root 'sqare'; did you mean 'square'? known: square, cubic
    """

    _search_round: ClassVar[int] = 0
    _warned: ClassVar[set[str]] = set()

    def __init__(self, kind: str, group: str, built_in: Mapping[str, str], of: Any = object) -> None:
        self.kind = kind
        self.group = group
        self._of = of
        self._locations = dict(built_in)
        self._entries: dict[str, T] = {}
        self._sources = dict.fromkeys(built_in, BUILT_IN)
        self._clashes: dict[str, list[str]] = {}
        self._discovered: list[str] = []
        self._skipped: dict[str, str] = {}
        self._last_search = -1

    def register(self, name: str, entry: T, source: str = "registered") -> None:
        """Add an entry for this process.

        Raises:
            InvalidValueError: if the name is already in use (the message names both sources) or invalid, or the entry
                has the wrong type.
        """
        check_name(self.kind, name)
        self._check(name, entry)
        self._search()
        if name in self._sources:
            raise InvalidValueError(
                f"two entries named {name!r} in {self.group}: {self._sources[name]} and {source}; rename one"
            )
        self._entries[name], self._sources[name] = entry, source

    def unregister(self, name: str) -> None:
        """Remove an entry that :meth:`register` added."""
        del self._entries[name], self._sources[name]

    @staticmethod
    def look_again() -> None:
        """Make every registry search for entry points again on its next use, such as after an installation."""
        Registry._search_round += 1
        Registry._warned.clear()

    def source(self, name: str) -> str:
        """Return the package that provides an entry."""
        self._search()
        return self._sources[name]

    def __getitem__(self, name: str) -> T:
        """Return an entry.

        Raises:
            UnknownNameError: if there is none; the message names the closest one and lists all.
            InvalidValueError: if several packages provide this name; the message lists them.
        """
        self._search()
        check_name(self.kind, name)
        if name in self._clashes:
            raise InvalidValueError(
                f"several packages provide {self.kind} {name!r}: {', '.join(self._clashes[name])}; "
                "uninstall all but one"
            )
        if name not in self._sources:
            if name in self._skipped:
                raise UnknownNameError(f"{self.kind} {name!r} was skipped: {self._skipped[name]}")
            offer = nearest(str(name), self) or ";"
            raise UnknownNameError(f"unknown {self.kind} {shown(name)}{offer} known: {', '.join(self)}")
        if name not in self._entries:
            module, _, attribute = self._locations[name].partition(":")
            self._entries[name] = cast("T", getattr(import_module(module), attribute))
        return self._entries[name]

    def _check(self, name: str, entry: Any) -> None:
        if not isinstance(entry, self._of):
            expected = "callable" if self._of is Callable else f"an object of {self._of.__name__}"
            raise InvalidValueError(f"{self.kind} {name!r} must be {expected}, got {shown(entry)}")

    def __iter__(self) -> Iterator[str]:
        self._search()
        return iter(list(self._sources))

    def __len__(self) -> int:
        self._search()
        return len(self._sources)

    def __contains__(self, name: object) -> bool:
        self._search()
        return name in self._sources

    def _search(self) -> None:
        """Search for entry points once, and again after :meth:`look_again`."""
        if self._last_search == Registry._search_round:
            return
        self._last_search = Registry._search_round
        for name in self._discovered:
            self._entries.pop(name, None)
            del self._sources[name]
        self._discovered.clear()
        self._clashes.clear()
        self._skipped.clear()
        for point in entry_points(group=self.group):
            source = _package_of(point)
            if point.name in self._sources:
                self._clashes.setdefault(point.name, [self._sources[point.name]]).append(source)
                continue
            try:
                entry: Any = point.load()
            except Exception as error:
                reason = one_line(f"{type(error).__name__}: {error}{_raised_at(error)}")
                self._skipped[point.name] = f"package {source} cannot be imported: {reason}"
                if f"{point.module}: {reason}" not in Registry._warned:  # one module may provide many entries
                    Registry._warned.add(f"{point.module}: {reason}")
                    entry_name = f"{self.kind} {point.name!r} of package {source}"
                    warnings.warn(f"{entry_name} cannot be imported and is skipped: {reason}", stacklevel=4)
                continue
            try:
                self._check(point.name, entry)
            except InvalidValueError as error:
                warnings.warn(f"{error}; the entry of package {source} is skipped", stacklevel=4)
                continue
            self._entries[point.name], self._sources[point.name] = entry, source
            self._discovered.append(point.name)


def _raised_at(error: Exception) -> str:
    """Return ``" (file.py:12)"``, where a plugin raised an error; an empty text if there is no such line."""
    if isinstance(error, SyntaxError):
        return f" ({Path(error.filename or '?').name}:{error.lineno})"
    files = [(Path(frame.filename), frame.lineno) for frame in extract_tb(error.__traceback__)]
    plugin_frames = [
        (file.name, line) for file, line in files if file.suffix == ".py" and not NOT_THEIRS & set(file.parts)
    ]
    return f" ({plugin_frames[-1][0]}:{plugin_frames[-1][1]})" if plugin_frames else ""


def _package_of(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value
