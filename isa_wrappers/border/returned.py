"""Check the form of the results of ``reset()`` and ``step()``: dicts by agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isa_wrappers.errors import UnsupportedEnvironmentError

STEP_FIELDS = ("observations", "rewards", "terminations", "truncations", "infos")


def check_reset(env: Any, result: Any) -> tuple[Any, Any]:
    """Return observations and infos from the result of ``reset()``; infos may be ``None``.

    Raises:
        UnsupportedEnvironmentError: if the result has another form.
    """
    if isinstance(result, Mapping) or not isinstance(result, tuple | list) or len(result) != 2:
        description = "only observations" if isinstance(result, Mapping) else _kind(result)
        raise UnsupportedEnvironmentError(
            f"reset() of {env} returned {description}; it must return observations and infos, two dicts by agent"
        )
    observations, infos = result
    _check_dicts(env, "reset()", ("observations", observations), ("infos", {} if infos is None else infos))
    return observations, infos


def check_step(env: Any, result: Any) -> None:
    """Find out why the result of a step could not be processed; call this after a failure.

    Raises:
        UnsupportedEnvironmentError: if the result is not five dicts by agent, or flags are invalid.
    """
    if not isinstance(result, tuple | list) or len(result) != 5:
        raise UnsupportedEnvironmentError(
            f"step() of {env} returned {_kind(result)}; it must return five dicts by agent: {', '.join(STEP_FIELDS)}"
        )
    _check_dicts(env, "step()", *zip(STEP_FIELDS, result, strict=True))
    for name, flags in zip(STEP_FIELDS[2:4], result[2:4], strict=True):
        for agent, flag in flags.items():
            if np.shape(flag) != ():
                raise UnsupportedEnvironmentError(
                    f"step() of {env} returned {name} of agent {agent!r} that are not True or False: {_kind(flag)}"
                )


def _check_dicts(env: Any, where: str, *parts: tuple[str, Any]) -> None:
    for name, part in parts:
        if not isinstance(part, Mapping):
            raise UnsupportedEnvironmentError(
                f"{where} of {env} returned {name} that are not a dict by agent: {_kind(part)}"
            )


def _kind(value: Any) -> str:
    return f"{len(value)} values" if isinstance(value, tuple | list) else type(value).__name__
