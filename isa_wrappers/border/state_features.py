"""The registry of state features, for states that are not lists of coordinates, such as maps of cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any

from isa_wrappers.border.spaces import StateFallback
from isa_wrappers.errors import InvalidValueError, check_kind
from isa_wrappers.registry import Registry

Features = Callable[[Any], Any]
"""Wraps a ``ParallelEnv`` to give it another ``state()``, with ``state_names``."""

STATE_FEATURES: Registry[Callable[..., Any]] = Registry(
    "state features", "isa_marl.state_features", {"map": "isa_wrappers.border.map_features:MapState"}, Callable
)
"""Wrappers of a ``ParallelEnv`` by name, called with the environment and options."""


def choose_features(
    chosen: str | Features | None, options: Mapping[str, Any] | None = None, fallback: StateFallback = None
) -> Features | None:
    """Return a function that wraps an environment; ``None`` if its state does not change.

    Args:
        chosen: a name in :data:`STATE_FEATURES`, or such a function.
        options: options of the named entry.
        fallback: replacement for ``state()``.

    Raises:
        UnknownNameError: if the name is unknown.
        InvalidValueError: if the entry does not accept the options, options are given without a name, or features are
            combined with a fallback.

    Example:
        >>> choose_features("map", {"value": [1]})
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: state features 'map' do not accept these options: got an unexpected \
keyword argument 'value'
    """
    options = {} if options is None else options
    if chosen is None or callable(chosen):
        if options:
            raise InvalidValueError(f"state_features_kwargs need a name in state_features, got {dict(options)}")
        wrap: Features | None = chosen
    else:
        check_kind("state_features_kwargs", options, Mapping)
        entry = STATE_FEATURES[chosen]
        try:
            signature(entry).bind(None, **options)
        except TypeError as error:
            raise InvalidValueError(f"state features {chosen!r} do not accept these options: {error}") from error
        wrap = partial(entry, **options) if options else entry
    if wrap is not None and fallback is not None:
        raise InvalidValueError(
            f"state_features need state(), but state_fallback {fallback!r} replaces it; leave out one of them"
        )
    return wrap
