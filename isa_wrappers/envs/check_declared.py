"""Check what an environment declares: bounds of observations, the state space, names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.arrays import to_numpy
from isa_wrappers.border.border import Border
from isa_wrappers.border.names import names_of, read_action_names
from isa_wrappers.envs.report import EnvReport
from isa_wrappers.errors import InvalidValueError, shown

SLACK = 1e-5
"""Relative tolerance for rounding errors beyond a bound."""


def describe_out_of_bounds(space: Any, value: Any, place: str = "") -> str | None:
    """Describe where an observation is out of the bounds of its space; return ``None`` if it is not.

    Example:
        >>> describe_out_of_bounds(spaces.Dict({"pot": spaces.Box(0, 1, (2,))}), {"pot": np.array([0.5, 7.0])})
        "entry 'pot', element 1 is 7, but its space goes from 0 to 1"
    """
    if isinstance(space, spaces.Dict):
        parts = ((f"{place}entry {key!r}, ", part, value[key]) for key, part in space.spaces.items())
    elif isinstance(space, spaces.Tuple):
        parts = ((f"{place}part {i}, ", part, value[i]) for i, part in enumerate(space.spaces))
    elif isinstance(space, spaces.Box):
        return _describe_outside(to_numpy(value), space.low, space.high, place)
    elif isinstance(space, spaces.MultiBinary):
        return _describe_outside(to_numpy(value), np.zeros(space.shape), np.ones(space.shape), place)
    else:  # the border checks integers
        return None
    return next(
        (found for name, part, element in parts if (found := describe_out_of_bounds(part, element, name))), None
    )


def _describe_outside(value: Any, low: npt.NDArray[Any], high: npt.NDArray[Any], place: str) -> str | None:
    numbers, low, high = (np.asarray(part, dtype=np.float64).reshape(-1) for part in (value, low, high))
    with np.errstate(invalid="ignore"):  # infinity times nothing
        is_outside = (numbers < low - SLACK * (1 + np.abs(low))) | (numbers > high + SLACK * (1 + np.abs(high)))
    if not is_outside.any():
        return None
    k = int(is_outside.argmax())
    return f"{place}element {k} is {numbers[k]:g}, but its space goes from {low[k]:g} to {high[k]:g}"


def report_bounds(report: EnvReport, outside: Mapping[str, str]) -> None:
    """Report agents whose observations leave their bounds."""
    for agent, description in outside.items():
        report.add(
            "observations", "warning", f"agent {agent}: {description}",
            "correct the space or the observation; third-party learners may clip to the space",
        )  # fmt: skip


def check_state_names(names: tuple[str, ...], dims: int) -> None:
    """Check that there is one name for each dimension of the state.

    Raises:
        InvalidValueError: if the numbers differ.
    """
    if names and len(names) != dims:
        raise InvalidValueError(f"state_names must name {dims} dimensions, as state() has, got {len(names)} names")


def report_names(report: EnvReport, border: Border, names: tuple[str, ...]) -> None:
    """Report duplicate state names, and an agent whose number of action names does not match its actions."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        report.add(
            "names",
            "warning",
            f"state_names holds {shown(twice[0])} more than once",
            "name each dimension uniquely",
        )
    given_names = getattr(border.env, "action_names", None)
    action_names = read_action_names(() if given_names is None else given_names, border.agents)
    for i, (agent, code) in enumerate(border.codes.items()):
        num_names = len(names_of(action_names, i))
        num_expected = code.num_actions if code.kind == "Discrete" else len(code.components)
        if num_names and num_names not in (num_expected, code.num_actions):
            report.add(
                "names", "warning", f"action_names has {num_names} names for {num_expected} actions of {agent}",
                "name all actions: actions without a name are shown as numbers",
            )  # fmt: skip
            return


def report_state_space(
    report: EnvReport, env: Any, states: npt.NDArray[np.floating[Any]], shape: tuple[int, ...]
) -> None:
    """Report a declared ``state_space`` that does not match the states seen.

    Args:
        report: report to add to.
        env: the environment.
        states: states seen, ``[T, K]``.
        shape: shape of ``state()``.
    """
    space = getattr(env, "state_space", None)
    if not isinstance(space, spaces.Box):
        return
    if space.shape != shape:
        message: str | None = f"state() has shape {list(shape)}, but state_space has shape {list(space.shape)}"
    else:
        extremes = (states.min(axis=0), states.max(axis=0))
        message = next(filter(None, (_describe_outside(end, space.low, space.high, "") for end in extremes)), None)
    if message is not None:
        report.add("state_space", "warning", message, "correct state_space or remove it")
