"""Checks once per iteration that training data and metrics are finite."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import torch

from isa_learners.rollout import Rollout
from isa_wrappers.batch import BatchEnv
from isa_wrappers.border.layers import layers_of
from isa_wrappers.errors import InvalidValueError, NonFiniteError, shown
from isa_wrappers.wrappers.batch import RewardWrapper


def as_number(name: str, value: Any) -> int | float:
    """Return the value of an algorithm's metric as a Python number.

    Raises:
        InvalidValueError: if it is not a number, naming the metric.
    """
    try:
        if isinstance(value, str | bytes | bytearray):
            raise TypeError
        number = float(value)
    except (OverflowError, TypeError, ValueError, RuntimeError) as error:
        raise InvalidValueError(f"metric {name!r} must return a number, got {shown(value)}") from error
    return value if type(value) is int else number


def check_learned(metrics: Mapping[str, float], rollout: Rollout, env: BatchEnv) -> None:
    """Check the metrics of an iteration; if one is not finite, search the rollout for its source.

    Args:
        metrics: metrics of the learner, including ``reward_mean``.
        rollout: rollout of the iteration.
        env: environment as the learner sees it.

    Raises:
        NonFiniteError: naming agent, step and position of the first reward, observation or state that is not finite,
            or else the metric.
    """
    bad = [name for name, value in metrics.items() if not isfinite(value)]
    if not bad:
        return
    for quantity in ("reward", "final_obs", "state"):
        values = getattr(rollout, quantity)
        places = (~torch.isfinite(values)).nonzero()
        if len(places):
            step, copy, *rest = places[0].tolist()
            value = float(values[tuple(places[0].tolist())])
            agent = "" if quantity == "state" else f", agent {env.agents[rest[0]]!r}"
            place = "" if quantity == "reward" else f", place {rest[-1]}"
            name = "observation" if quantity == "final_obs" else quantity
            raise NonFiniteError(
                f"{name} must be finite: environment {copy}, step {step + 1} of the rollout{agent}{place} holds {value}"
                + (_payers(env) if quantity == "reward" else "")
            )
    raise NonFiniteError(
        f"{bad[0]} must be finite, got {metrics[bad[0]]}: the training data is finite, so the networks are not; "
        "lower the learning rate or the scale of rewards and observations"
    )


def _payers(env: BatchEnv) -> str:
    """Name the intrinsic rewards as possible sources; the environment's own reward is checked earlier."""
    names = [repr(payer.reward.name) for payer in layers_of(env, RewardWrapper)]
    return f"; look at what intrinsic reward {' or '.join(names)} returns" if names else ""
