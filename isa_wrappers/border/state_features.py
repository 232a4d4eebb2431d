"""What is read off a state that is no list of coordinates, such as a map of cells: a list that people add to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any

from isa_wrappers.border.spaces import StateFallback
from isa_wrappers.errors import InvalidValueError, check_kind
from isa_wrappers.registry import Registry

Features = Callable[[Any], Any]
"""Wraps a ``ParallelEnv`` into one of another ``state()``, which names it by ``state_names``."""

STATE_FEATURES: Registry[Callable[..., Any]] = Registry(
    "state features", "isa_marl.state_features", {"map": "isa_wrappers.border.map_features:MapState"}, Callable
)
"""Wrappers of a ``ParallelEnv`` by name, called with the environment and options."""


def choose_features(
    chosen: str | Features | None, options: Mapping[str, Any] | None = None, fallback: StateFallback = None
) -> Features | None:
    """Return what wraps an environment; ``None`` where its state stays as it is.

    Args:
        chosen: a name of :data:`STATE_FEATURES`, or what wraps an environment already.
        options: of the entry of that name.
        fallback: what stands for ``state()``.

    Raises:
        UnknownNameError: for an unknown name.
        InvalidValueError: for options that the entry does not take or that belong to no name, and where something
            stands for the ``state()`` that features are read off.

    Example:
        >>> choose_features("map", {"value": [1]})
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: state features 'map' do not take these options: got an unexpected \
keyword argument 'value'
    """
    options = {} if options is None else options
    if chosen is None or callable(chosen):
        if options:
            raise InvalidValueError(f"state_features_kwargs need a name in state_features, got {dict(options)}")
        make: Features | None = chosen
    else:
        check_kind("state_features_kwargs", options, Mapping)
        entry = STATE_FEATURES[chosen]
        try:
            signature(entry).bind(None, **options)
        except TypeError as error:
            raise InvalidValueError(f"state features {chosen!r} do not take these options: {error}") from error
        make = partial(entry, **options) if options else entry
    if make is not None and fallback is not None:
        raise InvalidValueError(
            f"state_features read state(), and state_fallback {fallback!r} takes its place; leave one of them out"
        )
    return make
