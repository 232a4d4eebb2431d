"""One step of an environment as input of an intrinsic reward, with any leading axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from isa_wrappers.arrays import Array


class Transition(NamedTuple):
    """A step; ``...`` stands for any leading axes: none for one environment, ``[B]`` for a batch.

    Attributes:
        s_t: state before the actions, ``[..., K]``, float32 or float64 as in the environment.
        s_tp1: state after them, before any automatic reset, ``[..., K]``.
        obs_tp1: flat observations after them, zeros for dead agents, ``[..., A, O]`` float32; ``None`` unless the
            reward sets ``needs_obs``.
        actions: actions, ``[..., A]`` integers; entries of agents that did not act are meaningless. For actions with
            components, the elementary action of each component, ``[..., A, d]``.
        reward: the environment's reward, ``[..., A]``.
        alive: whether each agent acted, ``[..., A]`` bool.
        goal: the state to reach in this episode, ``[..., K]``; ``None`` without goals.
        obs_t: observations before the actions, like ``obs_tp1``, ``[..., A, O]``.
        start: whether the episode starts with this step, ``[...]`` bool; ``None`` if unknown.
        available: actions available to each agent, ``[..., A, n]`` bool; ``None`` unless the reward sets
            ``needs_available``.
        won_share: fraction of recent episodes that were won, 0-dimensional; ``None`` without goals.
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
    """A step of one environment: a :class:`Transition` with lists.

    Attributes:
        before: state before the actions, K numbers.
        after: state after them, K numbers.
        actions: actions of the A agents, numbers or lists of elementary actions; meaningless for agents that did not
            act.
        rewards: rewards of the A agents.
        acted: whether each agent acted.
        goal: goal, K numbers, or ``None`` without goals.
        wide: whether states or goal are float64, so that equal values may differ by rounding.
        won_share: fraction of recent episodes that were won.
    """

    before: list[float]
    after: list[float]
    actions: Sequence[int | list[int]]
    rewards: list[float]
    acted: list[bool]
    goal: list[float] | None = None
    wide: bool = False
    won_share: float = 0.0
