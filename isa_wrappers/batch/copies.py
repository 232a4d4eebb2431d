"""Copies of an environment that are reset and stepped together: what a batch asks, here or in worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import numpy as np

from isa_wrappers.batch.env_copy import EnvCopy
from isa_wrappers.batch.packing import CopySpec, Row
from isa_wrappers.border.spaces import StateFallback
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.errors import InvalidValueError

Rows = Row
"""What several copies say, each array with the copies along its first axis."""


class Copies(Protocol):
    """Copies that are reset and stepped together."""

    spec: CopySpec

    def reset(self, seeds: Sequence[int | None]) -> Rows:
        """Start every copy afresh."""

    def step(self, actions: Sequence[Sequence[Any]]) -> Rows:
        """Advance every copy."""

    def close(self) -> None:
        """Close every copy."""


class LocalCopies:
    """Copies stepped one after the other in this process; a worker process holds its share as one of these.

    Args:
        envs: at least one environment, each an object of its own.
        fallback: what stands for a missing ``state()``.
        success: how a won episode is recognised.

    Raises:
        InvalidValueError: if one environment is there more than once.
        UnsupportedEnvironmentError: as :func:`~isa_wrappers.batch.env_copy.read_spec` does.
    """

    def __init__(self, envs: Sequence[Any], fallback: StateFallback, success: SuccessRule) -> None:
        # What wrappers hide counts: a factory may wrap one and the same object anew at each call.
        if min(len({id(env) for env in envs}), len({id(without_wrappers(env)) for env in envs})) < len(envs):
            raise InvalidValueError(f"every copy must be an environment of its own; {envs[0]} is there more than once")
        first = EnvCopy(envs[0], fallback, success)
        self.spec = first.spec
        self._copies = [first, *(EnvCopy(env, fallback, success, first.spec) for env in envs[1:])]

    def reset(self, seeds: Sequence[int | None]) -> Rows:
        """Start every copy afresh."""
        return _stacked([copy.reset(seed) for copy, seed in zip(self._copies, seeds, strict=True)])

    def step(self, actions: Sequence[Sequence[Any]]) -> Rows:
        """Advance every copy."""
        return _stacked([copy.step(joint) for copy, joint in zip(self._copies, actions, strict=True)])

    def close(self) -> None:
        """Close every copy."""
        with ExitStack() as closing:  # one that fails keeps no other open
            for copy in self._copies:
                closing.callback(copy.close)


def without_wrappers(env: Any) -> Any:
    """Return what is left of an environment without its wrappers.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> from pettingzoo.utils import BaseParallelWrapper
        >>> env = make_parallel("grid/unlock")
        >>> without_wrappers(BaseParallelWrapper(env)) is env
        True
    """
    try:
        return env.unwrapped
    except AttributeError:
        return env


def _stacked(rows: Sequence[Row]) -> Rows:
    if len(rows) == 1:  # np.stack takes a tenth of the time of a step of one copy
        return {name: np.array(value)[None] for name, value in rows[0].items()}
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
