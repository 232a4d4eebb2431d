"""How a won episode is recognised."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from isa_wrappers.errors import InvalidValueError, check_float, shown
from isa_wrappers.moved import former

SuccessRule = str | float | Callable[[Any, Mapping[str, Mapping[str, Any]]], bool] | None
"""A key of ``infos[agent]`` (true for any agent), a threshold on the team's mean return at the episode's end (over all
agents, the dead among them), a function of the environment and the infos, or ``None`` where nothing counts as won."""
NEAR = 1e-6
"""By this share of a threshold a return may fall short of it and reaches it all the same: rewards of 0.1 in float32 do
not add up to 1. Of a threshold of 0 it is that of 1."""


class SuccessCriterion:
    """Tells whether an episode was won in the step just taken.

    Args:
        rule: see :data:`SuccessRule`. A key that no info holds in a whole episode is warned of, once.
        team: how many agents there are, over which a return is the mean; by default those that ever got a reward.

    Raises:
        InvalidValueError: if the rule is of another kind.

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
    def told(self) -> bool:
        """The episode was won, in the step just taken or before."""
        return self._was_won

    def won(self, env: Any, rewards: Mapping[str, float], infos: Mapping[str, Mapping[str, Any]], over: bool) -> bool:
        """Return whether the episode was won in the step just taken, true once per episode; called once per step."""
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
        values = [info[key] for info in infos.values() if isinstance(info, Mapping) and key in info]
        if not values and over and not self._key_seen:
            warnings.warn(
                f"no info held the key {key!r} in the episode's last step, so it counts as not won; "
                "name another key, a return threshold or a function as the success rule",
                stacklevel=2,
            )
        self._key_seen = self._key_seen or bool(values) or over
        return any(as_truth(f"infos[agent][{key!r}]", value) for value in values)


def as_truth(what: str, value: Any) -> bool:
    """Return a yes or no, given as a truth value, a number or an array of one of these; ``None`` is no.

    Raises:
        InvalidValueError: for text (``"False"`` would count as yes), NaN, or whatever else is neither.

    Example:
        >>> as_truth("success", np.bool_(True)), as_truth("success", 0.0), as_truth("success", None)
        (True, False, False)
    """
    if value is True or value is False:
        return bool(value)
    number: Any = value
    if hasattr(value, "item"):
        with suppress(ValueError, RuntimeError):  # of several numbers there is no one
            number = value.item()
    if number is None:
        return False
    if not isinstance(number, bool | int | float) or number != number:
        raise InvalidValueError(f"{what} must be true or false, got {shown(value)}")
    return bool(number)


def success_rule(text: str) -> str | float:
    """Read a rule from a text: a number is a return threshold, any other text a key of infos.

    Example:
        >>> success_rule("won"), success_rule("1.5")
        ('won', 1.5)
    """
    try:
        return float(text)
    except ValueError:
        return text


if not TYPE_CHECKING:
    __getattr__ = former(__name__, {"SuccessTeller": "isa_wrappers.border.success:SuccessCriterion"})
