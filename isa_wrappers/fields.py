"""Ranges of settings, declared once at each field and used for checks, help texts and documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from inspect import cleandoc
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from isa_wrappers.errors import InvalidValueError, check_choice, check_float, check_int, nearest, shown


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high`` (excluding ``high`` with ``below``); without ``high``, at least ``low``.

    Example:
        >>> str(Range(0.0, 1.0, below=True)), str(Range(1))
        ('in [0, 1)', 'at least 1')
    """

    low: float
    high: float | None = None
    below: bool = False

    def __str__(self) -> str:
        low, high = (f"{edge:g}" if isinstance(edge, float) else str(edge) for edge in (self.low, self.high))
        return f"at least {low}" if self.high is None else f"in [{low}, {high}{')' if self.below else ']'}"

    def check(self, name: str, value: Any) -> Any:
        """Return ``value`` as a plain number in the range, or a sequence of such numbers.

        Raises:
            InvalidValueError: if it is not in the range.
        """
        if isinstance(value, tuple | list):
            return tuple(self.check(name, part) for part in value)
        if isinstance(self.low, int):
            return check_int(name, value, self.low, None if self.high is None else int(self.high))
        return check_float(name, value, self.low, self.high, below=self.below)


@dataclass(frozen=True)
class OneOf:
    """One of several words.

    Example:
        >>> str(OneOf("auto", "cpu"))
        'one of auto, cpu'
    """

    choices: tuple[str, ...]

    def __init__(self, *choices: str) -> None:
        object.__setattr__(self, "choices", choices)

    def __str__(self) -> str:
        return f"one of {', '.join(self.choices)}"

    def check(self, name: str, value: Any) -> Any:
        """Return ``value`` if it is one of the choices.

        Raises:
            InvalidValueError: if it is not; the message names the closest one.
        """
        return check_choice(name, value, self.choices)


class DeviceName(OneOf):
    """A torch device: one of several words, or a specific CUDA device.

    Example:
        >>> DeviceName().check("device", "cuda:1"), str(DeviceName())
        ('cuda:1', 'one of auto, cpu, cuda, cuda:N')
        >>> DeviceName().check("device", "gpu")
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: device must be one of auto, cpu, cuda, cuda:N; got 'gpu'; \
did you mean 'cuda'?
    """

    def __init__(self) -> None:
        super().__init__("auto", "cpu", "cuda", "cuda:N")

    def check(self, name: str, value: Any) -> Any:
        """Return ``value`` if it names a device.

        Raises:
            InvalidValueError: if it does not; the message names the closest choice.
        """
        if isinstance(value, str) and re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", value):
            return value
        normalised = value.lower() if isinstance(value, str) else ""
        if re.fullmatch(r"mps(:\d+)?|metal|apple", normalised):
            raise InvalidValueError(
                f"{name} cannot be {shown(value)}: torch has no float64 there, which visit counts and value "
                "normalisation need; use 'cpu'"
            )
        is_gpu_name = any(word in normalised for word in ("gpu", "nvidia", "cuda"))
        offer = "; did you mean 'cuda'?" if is_gpu_name else nearest(normalised, self.choices)
        raise InvalidValueError(f"{name} must be {self}; got {shown(value)}{offer}")


MOST_COPIES = 2**17
"""Maximum number of copies of an environment in one batch."""
Count = Annotated[int, Range(1)]
Copies = Annotated[int, Range(1, MOST_COPIES)]
Share = Annotated[float, Range(0.0, 1.0)]
Weight = Annotated[float, Range(0.0)]
Positive = Annotated[float, Range(1e-12)]


def check_settings_class(what: str, kind: Any) -> None:
    """Check that a class can be a section of a configuration.

    Args:
        what: name of the section, for the message.
        kind: the class.

    Raises:
        InvalidValueError: if it is not a dataclass whose fields all have defaults.

    Example:
        >>> check_settings_class("section 'own'", Range)
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: section 'own' must be a dataclass whose fields have defaults, \
got Range, whose 'low' has none
    """
    requirement = f"{what} must be a dataclass whose fields have defaults"
    if not isinstance(kind, type) or not is_dataclass(kind):
        raise InvalidValueError(f"{requirement}, got {shown(kind)}")
    for field in fields(kind):
        if field.init and field.default is MISSING and field.default_factory is MISSING:
            raise InvalidValueError(f"{requirement}, got {kind.__name__}, whose {field.name!r} has none")


@cache
def hints(kind: type) -> dict[str, Any]:
    """Return the type of every field of a dataclass, without annotations."""
    return get_type_hints(kind)


@cache
def ranges(kind: type) -> dict[str, Range | OneOf]:
    """Return the ranges or choices with which the fields of a dataclass are annotated."""
    annotations = {
        name: get_args(hint)[1]
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if get_origin(hint) is Annotated
    }
    return {name: annotation for name, annotation in annotations.items() if isinstance(annotation, Range | OneOf)}


def check_fields(settings: Any) -> None:
    """Check every annotated field of a frozen dataclass, and store the checked values.

    Raises:
        InvalidValueError: if a field is out of range; the message names the first.
    """
    kind: Any = type(settings)
    types = hints(kind)
    for name, allowed in ranges(kind).items():
        value = getattr(settings, name)
        if value is not None or type(None) not in get_args(types[name]):
            if isinstance(value, tuple | list) and get_origin(types[name]) is not tuple:
                raise InvalidValueError(f"{name} must be {allowed}, got {shown(value)}")
            object.__setattr__(settings, name, allowed.check(name, value))
    for name, hint in types.items():
        value = getattr(settings, name)
        if name not in ranges(kind) and (hint in WORDS or hint == str | None):
            object.__setattr__(settings, name, _plain_value(name, hint, value))


WORDS = {str: "a name", bool: "true or false"}


def _plain_value(name: str, hint: Any, value: Any) -> Any:
    """Return text or a truth value, according to the type of a field without a range.

    Raises:
        InvalidValueError: for anything else.
    """
    if hint is bool and type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    if hint is not bool and isinstance(value, str):
        return str(value)
    if value is None and hint not in WORDS:
        return None
    raise InvalidValueError(f"{name} must be {WORDS.get(hint, 'a name or none')}, got {shown(value)}")


def meanings(kind: type) -> dict[str, str]:
    """Return the description of each attribute in the docstring of a class, on one line each.

    Example:
        >>> meanings(Range)
        {}
    """
    text = cleandoc(kind.__doc__ or "")
    _, heading, rest = text.partition("Attributes:\n")
    texts: dict[str, str] = {}
    name = ""
    for line in rest.split("\n") if heading else []:
        if not line.startswith("    "):
            break
        if not line.startswith("     "):
            name, _, line = line.strip().partition(": ")
        texts[name] = f"{texts.get(name, '')} {line.strip()}".strip()
    return texts


def defaults(kind: type) -> Mapping[str, Any]:
    """Return the default of every field; ``None`` if it has none, or a default factory."""
    return {field.name: None if field.default is MISSING else field.default for field in fields(kind)}
