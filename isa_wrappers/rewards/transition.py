"""One step of an environment as an intrinsic reward sees it, with free leading axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from isa_wrappers.arrays import Array


class Transition(NamedTuple):
    """What happened in a step; ``...`` are any leading axes: none for one environment, ``[B]`` for a batch.

    Attributes:
        s_t: ``[..., K]`` state before the actions, float32 or, where the environment's is, float64.
        s_tp1: ``[..., K]`` state after them, before any automatic reset.
        obs_tp1: ``[..., A, O]`` float32 observations after them, flat, zeros for the dead; ``None`` unless the reward
            asks for observations with ``needs_obs``.
        actions: ``[..., A]`` integers; what stands there for those that did not act means nothing. Where an action has
            components, ``[..., A, d]``: the elementary action that each of them is.
        reward: ``[..., A]`` the environment's.
        alive: ``[..., A]`` bool, who acted.
        goal: ``[..., K]`` the state to reach in this episode; ``None`` where there are no goals.
        obs_t: ``[..., A, O]`` observations before the actions, as ``obs_tp1``.
        start: ``[...]`` bool, the episode starts with this step; ``None`` where that is unknown.
        available: ``[..., A, n]`` bool, which actions each agent could take; ``None`` unless the reward asks for them
            with ``needs_available``.
        won_share: 0-dimensional, the share of the latest episodes that were won; ``None`` where there are no goals.
    """

    s_t: Array
    s_tp1: Array
    obs_tp1: Array
    actions: Array
    reward: Array
    alive: Array
    goal: Array = None
    obs_t: Array = None
    start: Array = None
    available: Array = None
    won_share: Array = None


class PlainStep(NamedTuple):
    """A step of one environment: a :class:`Transition` of lists.

    Attributes:
        before: K numbers, the state before the actions.
        after: K numbers, the state after them.
        actions: of the A agents, numbers or lists of elementary ones; what stands for who did not act means nothing.
        rewards: A numbers.
        acted: who did.
        goal: K numbers, or ``None`` where there are no goals.
        wide: states or goal are float64, so that equal ones may differ by rounding.
        won_share: of the latest episodes.
    """

    before: list[float]
    after: list[float]
    actions: Sequence[int | list[int]]
    rewards: list[float]
    acted: list[bool]
    goal: list[float] | None = None
    wide: bool = False
    won_share: float = 0.0
