"""Checks of the first return values of learners and other registered objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isa_learners.learner import Decision
from isa_wrappers.batch import BatchEnv, BatchStep
from isa_wrappers.batch.protocol import action_code_of
from isa_wrappers.border import TeamCode
from isa_wrappers.errors import InvalidValueError, shown


def check_decision(who: str, decision: Any, step: BatchStep, env: BatchEnv) -> None:
    """Check the decision of a learner in a step.

    Values outside ranges are allowed, as the environment's border clips them.

    Args:
        who: name of the learner, for messages.
        decision: return value of its ``act``.
        step: step that it observed.
        env: environment that it acts in.

    Raises:
        InvalidValueError: for another class, wrong types or shapes, or unavailable actions of agents that are alive.
    """
    if not isinstance(decision, Decision):
        raise InvalidValueError(f"{who} must return a Decision from act(), got {shown(decision)}")
    action = decision.action
    code = action_code_of(env)
    count = len(step.alive)
    shape = [count, len(env.agents)] + ([] if code is None else [code.size])
    expected = f"{'int64' if code is None else 'float32'} {shape}"
    if kind_of(action) != expected:
        raise InvalidValueError(f"{who} must return actions of {expected} from act(), got {kind_of(action)}")
    for name, tensors in (("memory", decision.memory), ("record", decision.record)):
        _check_rows(f"{name} of {who}", tensors, count)
    invalid = _unavailable(action, step, code) & step.alive
    if bool(invalid.any()):
        copy, i = invalid.nonzero()[0].tolist()
        allowed = "finite numbers and available choices" if code is not None else "available"
        taken = action[copy, i].tolist()
        available = step.available[copy, i].nonzero()[:, 0].tolist()
        raise InvalidValueError(
            f"{who} must take actions that are {allowed}: in environment {copy} agent {env.agents[i]!r} took "
            f"{shown(taken)}, available are {shown(available)}"
        )


def _unavailable(action: Tensor, step: BatchStep, code: TeamCode | None) -> Tensor:
    """Return ``[B, A]``, true where an action is invalid or not available."""
    available: Tensor = step.available
    if code is None:
        is_number = (action >= 0) & (action < available.shape[-1])
        return ~(is_number & available.gather(-1, torch.where(is_number, action, 0)[..., None])[..., 0])
    table = code.on(action)
    finite = torch.isfinite(action)
    values = torch.where(finite, action, 0.0)
    choice = (values == values.round()) & (values >= 0) & (values < table.parts)
    choice &= available.gather(-1, code.columns(values))
    invalid: Tensor = table.exists & ~(finite & (table.is_range | choice))
    return invalid.any(-1)


def _check_rows(label: str, tensors: Any, count: int) -> None:
    """Check that a value is a dict of tensors by name, with a row for each environment."""
    if not isinstance(tensors, dict):
        raise InvalidValueError(f"{label} must be a dict of tensors, got {shown(tensors)}")
    for name, value in tensors.items():
        if not isinstance(name, str) or not isinstance(value, Tensor) or value.shape[:1] != (count,):
            raise InvalidValueError(
                f"{label} must be tensors by name with a row for each of {count} environments, got {kind_of(value)} "
                f"for {shown(name)}"
            )


def check_metrics(who: str, metrics: Any, names: Iterable[str]) -> None:
    """Check the metrics that a learner returns from an update.

    Raises:
        InvalidValueError: if they are not the declared numbers.
    """
    names = list(names)
    requirement = f"{who} must return the metrics {', '.join(names)} from learn()"
    if not isinstance(metrics, dict):
        raise InvalidValueError(f"{requirement}, got {shown(metrics)}")
    if metrics.keys() != set(names):
        unexpected, missing = metrics.keys() - names, names - metrics.keys()
        raise InvalidValueError(
            f"{requirement}, got {', '.join(map(str, metrics)) or 'none'}: "
            + " and ".join(
                [f"{shown(name)} is not one of them" for name in unexpected] + [f"{n!r} is missing" for n in missing]
            )
        )
    for name, value in metrics.items():
        if not isinstance(value, (int, float)) and getattr(value, "shape", None) != ():
            raise InvalidValueError(f"metric {name!r} of {who} must be a number, got {shown(value)}")


def check_members(who: str, thing: Any, protocol: type) -> None:
    """Check that an object has the methods of a protocol.

    Raises:
        InvalidValueError: naming the missing methods.

    Example:
        >>> from isa_learners.learner import Learner
        >>> check_members("shared 'won' of algorithm 'mine'", None, Learner)
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: shared 'won' of algorithm 'mine' must be an object with begin(), act(), \
forget(), set_progress(), learn(), state_dict(), load_state_dict(), got None
    """
    methods = [name for name, member in vars(protocol).items() if callable(member) and not name.startswith("_")]
    if missing := [name for name in methods if not callable(getattr(thing, name, None))]:
        expected = ", ".join(f"{name}()" for name in methods)
        missing_text = "" if len(missing) == len(methods) else f", which lacks {', '.join(missing)}"
        raise InvalidValueError(f"{who} must be an object with {expected}, got {shown(thing)}{missing_text}")


def check_state(who: str, state: Any) -> None:
    """Check that a state can be saved in a checkpoint.

    Raises:
        InvalidValueError: naming an invalid value or name.

    Example:
        >>> check_state("learner 'mine'", {"net": {"weight": torch.zeros(2)}})
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: state_dict() of learner 'mine' must return arrays, tensors or numbers \
by name, got a dict for 'net'
    """
    requirement = f"state_dict() of {who} must return arrays, tensors or numbers by name"
    if not isinstance(state, Mapping):
        raise InvalidValueError(f"{requirement}, got {shown(state)}")
    for name, value in state.items():
        if not isinstance(name, str):
            raise InvalidValueError(f"{requirement}, got the name {shown(name)}")
        try:
            torch.as_tensor(value)
        except (OverflowError, RuntimeError, TypeError, ValueError) as error:
            kind = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else kind_of(value)
            raise InvalidValueError(f"{requirement}, got {kind} for {name!r}") from error


def kind_of(value: Any) -> str:
    """Describe a tensor or another object.

    Example:
        >>> kind_of(torch.zeros(2, 3)), kind_of(7)
        ('float32 [2, 3]', 'a int')
    """
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
    return f"a {type(value).__name__}"
