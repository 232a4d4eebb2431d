"""The intrinsic rewards, Eq. 7 and Eq. 10 (arXiv 2505.08630), as pure functions with any leading axes.

A *segment* is a set of state dimensions. With S = 1 + A segments, row 0 is the common segment D_c and row 1 + i is
agent i's special segment D_(i-c); :func:`scope_segments` returns the segments of a scope, or of credit, in this order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, array_device, namespace
from isa_wrappers.axes import Bool, Float, Int
from isa_wrappers.scope.credit import Credit, as_credit
from isa_wrappers.scope.influence import InfluenceScope

ROUNDING = 2.0**-40
"""Relative difference of float64 numbers that a different order of summation can cause."""


class SegmentReward(NamedTuple):
    """An intrinsic reward and its parts.

    Attributes:
        total: reward for the learner, ``[..., A]``.
        intrinsic: the same without the environment's reward, ``[..., A]``.
        common: part of the common segment, 0 if the agent's action cannot move it, ``[..., A]``.
        special: part of the agent's special segment, without its weight, ``[..., A]``.
    """

    total: Float[Array, "*batch agents"]
    intrinsic: Float[Array, "*batch agents"]
    common: Float[Array, "*batch agents"]
    special: Float[Array, "*batch agents"]


def scope_segments(scope: InfluenceScope | Credit) -> npt.NDArray[np.float32]:
    """Return ``[1 + A, K]`` float32 masks: the common segment, then the special segment of each agent.

    Example:
        >>> scope_segments(InfluenceScope.from_dimensions({"a": [[], [0, 1]], "b": [[], [1]]}, state_size=2)).tolist()
        [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
    """
    return as_credit(scope).segments.astype(np.float32)


def segment_distance(
    state: Float[Array, "*batch dims"],
    goal: Float[Array, "*#batch dims"],
    segments: Float[Array, "segments dims"],
    hamming: float,
) -> Float[Array, "*batch segments"]:
    """Compute ``dist(x, g) = lambda * #(dims where x and g differ) + ||x - g||_2`` on every segment.

    Args:
        state: state, ``[..., K]``.
        goal: goal, ``[..., K]``.
        segments: 0/1 masks, ``[S, K]``.
        hamming: lambda, the weight of the number of differing dimensions.

    Returns:
        ``[..., S]``.

    Source: arXiv 2505.08630, Section 4 (distance below Eq. 6).

    Example:
        >>> import numpy as np
        >>> segment_distance(np.array([0.0, 3.0]), np.array([0.0, -1.0]), np.array([[1.0, 1.0]]), 10.0).tolist()
        [14.0]
    """
    xp = namespace(state)
    difference = state - goal
    segments = xp.astype(segments, difference.dtype, copy=False)
    distance = xp.sqrt((difference * difference) @ segments.T)
    if hamming:
        distance = distance + hamming * (xp.astype(_differ(state, goal, difference), segments.dtype) @ segments.T)
    return distance


def _differ(state: Array, goal: Array, difference: Array) -> Array:
    """Return which dimensions differ; in float64, ignore differences from the order of summation.

    The tolerance is relative, so near 0 any difference counts. A distance must depend only on state and goal, or
    progress would not cancel out on the way back, and these do not show from which numbers a small one results.
    """
    xp = namespace(difference)
    if difference.dtype != xp.float64:
        return difference != 0
    return xp.abs(difference) > ROUNDING * xp.maximum(xp.abs(state), xp.abs(goal))


def segment_progress(
    s_t: Float[Array, "*batch dims"],
    s_tp1: Float[Array, "*batch dims"],
    goal: Float[Array, "*#batch dims"],
    segments: Float[Array, "segments dims"],
    hamming: float,
) -> Float[Array, "*batch segments"]:
    """Compute ``r_seg = dist(s_seg, g_seg) - dist(s'_seg, g_seg)`` on every segment: ``[..., S]``.

    Args:
        s_t: state before the action, ``[..., K]``.
        s_tp1: state after it, before any automatic reset, ``[..., K]``.
        goal: goal, ``[..., K]``.
        segments: 0/1 masks, ``[S, K]``.
        hamming: lambda.

    Example:
        >>> before, after, goal, segments = np.array([0.0, 3.0]), np.array([1.0, 3.0]), np.array([4.0, 3.0]), np.eye(2)
        >>> segment_progress(before, after, goal, segments, hamming=0.0).tolist()
        [1.0, 0.0]
    """
    return segment_distance(s_t, goal, segments, hamming) - segment_distance(s_tp1, goal, segments, hamming)


def credit_gate(
    touches_common: Bool[Array, "agents actions"], actions: Int[Array, "*batch agents"]
) -> Bool[Array, "*batch agents"]:
    """Evaluate ``[D(a_i) meets D_c]``, the condition of Eq. 7 and Eq. 10.

    Args:
        touches_common: ``[A, n]`` bool: :attr:`InfluenceScope.touches_common`, or :attr:`Credit.gate`.
        actions: integers, ``[..., A]``.

    Returns:
        ``[..., A]`` bool.

    Example:
        >>> credit_gate(np.array([[False, True], [False, False]]), np.array([[0, 1], [1, 1]])).tolist()
        [[False, False], [True, False]]
    """
    xp = namespace(touches_common)
    return touches_common[xp.arange(touches_common.shape[0], device=array_device(touches_common)), actions]


def joint_gate(
    touches_common: Bool[Array, "agents actions"], elementary: Int[Array, "*batch agents components"]
) -> Bool[Array, "*batch agents"]:
    """Evaluate ``[D(a_i) meets D_c]`` where ``D(a_i)`` is the union over an action's components.

    Args:
        touches_common: ``[A, n]`` bool, for elementary actions.
        elementary: elementary action of each component, ``[..., A, d]`` integers.

    Returns:
        ``[..., A]`` bool.

    Example:
        >>> touches = np.array([[False, True, False, False]])
        >>> joint_gate(touches, np.array([[[1, 2]], [[0, 3]]])).tolist()
        [[True], [False]]
    """
    xp = namespace(touches_common)
    agents = xp.arange(touches_common.shape[0], device=array_device(touches_common))[:, None]
    return xp.any(touches_common[agents, elementary], axis=-1)


def gate_of(
    touches_common: Bool[Array, "agents actions"], actions: Int[Array, "*any"], alive: Bool[Array, "*batch agents"]
) -> Bool[Array, "*batch agents"]:
    """Evaluate the condition for acting agents, with actions ``[..., A]`` or elementary actions ``[..., A, d]``."""
    gate = joint_gate if actions.ndim > alive.ndim else credit_gate
    return gate(touches_common, actions) & alive


def combine_segments(
    common: Float[Array, "*batch"],
    special: Float[Array, "*batch agents"],
    gate: Bool[Array, "*batch agents"],
    reward: Float[Array, "*batch agents"],
    special_weight: float,
    env_weight: float | Float[Array, ""],
) -> SegmentReward:
    """Combine segments into ``r_i = gate_i * r_c + w_special * r_(i-c) + w_env * r_env``.

    On segment progress, with weights alpha1 and alpha2, this is Eq. 7; on count bonuses, with beta1 and beta2, Eq. 10.

    Args:
        common: value of the common segment, shared by all agents, ``[...]``.
        special: value of each agent's special segment, ``[..., A]``.
        gate: result of :func:`credit_gate`, ``[..., A]`` bool.
        reward: the environment's reward, ``[..., A]``.
        special_weight: alpha1 or beta1.
        env_weight: alpha2 or beta2.

    Example:
        >>> gate, reward = np.array([True, False]), np.zeros(2)
        >>> combine_segments(np.array(2.0), np.array([1.0, 3.0]), gate, reward, 0.5, 10.0).total.tolist()
        [2.5, 1.5]
    """
    gated = gate * common[..., None]
    intrinsic = gated + special_weight * special
    return SegmentReward(intrinsic + env_weight * reward, intrinsic, gated, special)


def count_bonus(
    visits: Int[Array, "*batch segments"], nonempty: Float[Array, " segments"]
) -> Float[Array, "*batch segments"]:
    """Compute ``N(phi(s'_seg))^-1/2`` of Eq. 10; 0 for a segment without dimensions.

    Args:
        visits: counts of at least 1, ``[..., R]``.
        nonempty: whether each segment has dimensions, ``[R]`` 0/1.

    Example:
        >>> count_bonus(np.array([1, 4, 1]), np.array([1.0, 1.0, 0.0])).tolist()
        [1.0, 0.5, 0.0]
    """
    xp = namespace(visits)
    at_least_one = visits + (visits == 0)
    return nonempty / xp.sqrt(xp.astype(at_least_one, nonempty.dtype))
