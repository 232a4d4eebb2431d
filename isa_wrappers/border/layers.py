"""Iterate over the wrappers of an environment from the outside inwards, and freeze ISA wrappers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Layer = TypeVar("Layer")


class Freezable:
    """A wrapper that counts, records or learns during play, except while it is ``frozen``."""

    frozen: bool = False

    def freeze(self, frozen: bool = True) -> None:
        """Evaluate without counting or recording, here and in every ISA wrapper inside."""
        for layer in layers_of(self, Freezable):
            layer.frozen = frozen


def layers(env: Any) -> Iterator[Any]:
    """Iterate over the layers of an environment inwards, also through conversions to AEC and back.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> from isa_wrappers.wrappers import EpisodeStatistics
        >>> [type(layer).__name__ for layer in layers(EpisodeStatistics(make_parallel("grid/unlock")))]
        ['EpisodeStatistics', 'GridParallelEnv']
    """
    visited: list[Any] = []
    while env is not None and not any(env is layer for layer in visited):
        yield env
        visited.append(env)
        inner = _attribute(env, "env")
        env = _attribute(env, "aec_env") if inner is None else inner


def _attribute(env: Any, name: str) -> Any:
    """Return an attribute, or ``None`` if a third-party environment raises any error."""
    try:
        return getattr(env, name, None)
    except Exception:
        return None


def layers_of(env: Any, kind: type[Layer]) -> Iterator[Layer]:
    """Iterate over the :func:`layers` of a class."""
    return (layer for layer in layers(env) if isinstance(layer, kind))


@contextmanager
def all_frozen(env: Any) -> Iterator[None]:
    """Freeze every wrapper of a stack temporarily, then restore each one."""
    frozen_before = [(layer, layer.frozen) for layer in layers_of(env, Freezable)]
    for layer, _ in frozen_before:
        layer.frozen = True
    try:
        yield
    finally:
        for layer, frozen in frozen_before:
            layer.frozen = frozen
