"""How a won episode is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

SuccessRule = str | float | Callable[[Any, Mapping[str, Mapping[str, Any]]], bool]
"""A key of ``infos[agent]`` (true for any agent), a threshold on the team's mean return at the episode's end, or a
function of the environment and the infos."""


class SuccessTeller:
    """Tells whether an episode was won in the step just taken.

    Args:
        rule: see :data:`SuccessRule`.

    Example:
        >>> teller = SuccessTeller(1.5)
        >>> teller.begin()
        >>> teller.won(None, {"a": 1.0}, {}, over=False), teller.won(None, {"a": 1.0}, {}, over=True)
        (False, True)
    """

    def __init__(self, rule: SuccessRule = "success") -> None:
        self.rule = rule
        self._return = 0.0
        self._told = False

    def begin(self) -> None:
        """Forget the last episode."""
        self._return = 0.0
        self._told = False

    def won(self, env: Any, rewards: Mapping[str, float], infos: Mapping[str, Mapping[str, Any]], over: bool) -> bool:
        """Return whether the episode was won in the step just taken: true once an episode. Call it once a step."""
        if self._told:
            return False
        self._told = self._read(env, rewards, infos, over)
        return self._told

    def _read(self, env: Any, rewards: Mapping[str, float], infos: Mapping[str, Mapping[str, Any]], over: bool) -> bool:
        if callable(self.rule):
            return bool(self.rule(env, infos))
        if isinstance(self.rule, str):
            return any(bool(info.get(self.rule, False)) for info in infos.values())
        if rewards:
            self._return += sum(rewards.values()) / len(rewards)
        return over and self._return >= self.rule
