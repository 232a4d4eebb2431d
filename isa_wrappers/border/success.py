"""Rules that identify a won episode."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from isa_wrappers.errors import InvalidValueError, check_float, shown
from isa_wrappers.moved import former_names

SuccessRule = str | float | Callable[[Any, Mapping[str, Mapping[str, Any]]], bool] | None
"""A key of ``infos[agent]`` (true for any agent), a threshold on the team's mean return at the end of the episode (over
all agents, including dead ones), a function of the environment and the infos, or ``None`` if nothing counts as won."""
NEAR = 1e-6
"""Relative tolerance below a threshold, since float32 rewards of 0.1 do not sum to 1. For a threshold of 0, it is
absolute."""


class SuccessCriterion:
    """Determines whether an episode was won in the last step.

    Args:
        rule: see :data:`SuccessRule`. A key that is missing in all infos of an episode causes one warning.
        team: number of agents for the mean return; by default, those that ever received a reward.

    Raises:
        InvalidValueError: if the rule is invalid.

    Example:
        >>> criterion = SuccessCriterion(1.5)
        >>> criterion.begin()
        >>> criterion.won(None, {"a": 1.0}, {}, over=False), criterion.won(None, {"a": 1.0}, {}, over=True)
        (False, True)
    """

    def __init__(self, rule: SuccessRule = "success", team: int | None = None) -> None:
        if rule is not None and (
            isinstance(rule, bool) or not (callable(rule) or isinstance(rule, str | int | float | np.number))
        ):
            raise InvalidValueError(
                f"success must be a key of infos, a threshold on the return, a function or None, got {shown(rule)}"
            )
        if isinstance(rule, int | float | np.number):
            rule = check_float("success", rule, -math.inf)
        self.rule = rule
        self._team = team
        self._rewarded: set[str] = set()
        self._key_seen = False
        self._total = 0.0
        self._was_won = False

    def begin(self) -> None:
        """Forget the last episode."""
        self._total = 0.0
        self._was_won = False

    @property
    def was_won(self) -> bool:
        """Whether the episode was won, in the last step or before."""
        return self._was_won

    def won(self, env: Any, rewards: Mapping[str, float], infos: Mapping[str, Mapping[str, Any]], over: bool) -> bool:
        """Return whether the episode was won in the last step, True once per episode; call this once per step."""
        if self._was_won:
            return False
        self._was_won = self._read(env, rewards, infos, over)
        return self._was_won

    def _read(self, env: Any, rewards: Mapping[str, float], infos: Mapping[str, Mapping[str, Any]], over: bool) -> bool:
        if self.rule is None:
            return False
        if callable(self.rule):
            return as_truth("the success rule", self.rule(env, infos))
        if isinstance(self.rule, str):
            return self._read_key(self.rule, infos, over)
        # Not in float32, as rewards may come.
        self._total += math.fsum(reward.item() if hasattr(reward, "item") else reward for reward in rewards.values())
        if self._team is None:
            self._rewarded.update(rewards)
        team = self._team or len(self._rewarded) or 1
        return over and self._total / team >= self.rule - NEAR * (abs(self.rule) or 1.0)

    def _read_key(self, key: str, infos: Mapping[str, Mapping[str, Any]], over: bool) -> bool:
        values = []
        for info in infos.values():
            if (type(info) is dict or isinstance(info, Mapping)) and key in info:
                values.append(info[key])
        if not values and over and not self._key_seen:
            warnings.warn(
                f"no info contains the key {key!r} in the last step of the episode, so the episode does not count as "
                "won; pass another key, a return threshold or a function as the success rule",
                stacklevel=2,
            )
        self._key_seen = self._key_seen or bool(values) or over
        for value in values:  # noqa: SIM110 - any() over a generator takes twice as long
            if value is not False and as_truth(f"infos[agent][{key!r}]", value):
                return True
        return False


def as_truth(name: str, value: Any) -> bool:
    """Return a truth value given as a bool, a number or an array of one of these; ``None`` is False.

    Raises:
        InvalidValueError: for text (``"False"`` would count as True), NaN, or anything else.

    Example:
        >>> as_truth("success", np.bool_(True)), as_truth("success", 0.0), as_truth("success", None)
        (True, False, False)
    """
    if value is True or value is False:
        return bool(value)
    number: Any = value
    if hasattr(value, "item"):
        with suppress(ValueError, RuntimeError):  # several numbers have no truth value
            number = value.item()
    if number is None:
        return False
    if not isinstance(number, bool | int | float) or number != number:
        raise InvalidValueError(f"{name} must be true or false, got {shown(value)}")
    return bool(number)


def success_rule(text: str) -> str | float:
    """Parse a rule: a number is a return threshold, any other text a key of infos.

    Example:
        >>> success_rule("won"), success_rule("1.5")
        ('won', 1.5)
    """
    try:
        return float(text)
    except ValueError:
        return text


if not TYPE_CHECKING:
    __getattr__ = former_names(__name__, {"SuccessTeller": "isa_wrappers.border.success:SuccessCriterion"})
