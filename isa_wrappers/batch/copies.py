"""Copies of an environment that are reset and stepped together, in this process or in worker processes."""

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
"""Results of several copies, with the copies along the first axis of each array."""


class Copies(Protocol):
    """Copies that are reset and stepped together."""

    spec: CopySpec

    def reset(self, seeds: Sequence[int | None]) -> Rows:
        """Start a new episode in every copy."""

    def step(self, actions: Sequence[Sequence[Any]]) -> Rows:
        """Advance every copy."""

    def close(self) -> None:
        """Close every copy."""


class LocalCopies:
    """Copies stepped one after the other in this process; a worker process also uses this class for its copies.

    Args:
        envs: at least one environment, all distinct objects.
        fallback: replacement for a missing ``state()``.
        success: rule that identifies a won episode.

    Raises:
        InvalidValueError: if an environment occurs more than once.
        UnsupportedEnvironmentError: as in :func:`~isa_wrappers.batch.env_copy.read_spec`.
    """

    def __init__(self, envs: Sequence[Any], fallback: StateFallback, success: SuccessRule) -> None:
        # Compare without wrappers, since a factory may wrap the same object again at each call.
        if min(len({id(env) for env in envs}), len({id(without_wrappers(env)) for env in envs})) < len(envs):
            raise InvalidValueError(f"every copy must be a separate environment, but {envs[0]} occurs more than once")
        first = EnvCopy(envs[0], fallback, success)
        self.spec = first.spec
        self._copies = [first, *(EnvCopy(env, fallback, success, first.spec) for env in envs[1:])]

    def reset(self, seeds: Sequence[int | None]) -> Rows:
        """Start a new episode in every copy."""
        return _stacked([copy.reset(seed) for copy, seed in zip(self._copies, seeds, strict=True)])

    def step(self, actions: Sequence[Sequence[Any]]) -> Rows:
        """Advance every copy."""
        return _stacked([copy.step(joint) for copy, joint in zip(self._copies, actions, strict=True)])

    def close(self) -> None:
        """Close every copy."""
        with ExitStack() as closing:  # closes all even if one fails
            for copy in self._copies:
                closing.callback(copy.close)


def without_wrappers(env: Any) -> Any:
    """Return an environment without its wrappers.

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
    if len(rows) == 1:  # avoids np.stack, which takes a tenth of the step time of one copy
        return {name: np.array(value)[None] for name, value in rows[0].items()}
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
