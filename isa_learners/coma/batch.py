"""What COMA learns from, once."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Batch:
    """T steps of B environments with A agents; time first.

    Attributes:
        inputs: ``[T, B, A, F]`` inputs of the actor: own observation, last action, id.
        final_inputs: ``[T, B, A, F]`` inputs after the step, before an automatic reset.
        state: ``[T, B, K]`` scaled.
        final_state: ``[T, B, K]`` the same after the step, before an automatic reset.
        available: ``[T, B, A, n]`` bool.
        alive: ``[T, B, A]`` float, 1 where the agent acted.
        next_alive: ``[T, B, A]`` float, 1 where the agent is alive after the step, before an automatic reset.
        action: ``[T, B, A]`` int64.
        reward: ``[T, B, A]``.
        start: ``[T, B]`` bool, an episode starts at this step.
        terminated: ``[T, B]`` bool.
        done: ``[T, B]`` bool, terminated or truncated.
        cut: ``[T, B, A]`` bool, the agent was truncated by itself in this step, in which the episode went on.
        probe: ``[T, B, A]`` bool, the action was drawn uniformly, not from the policy.
        lost: ``[T, B]`` bool, the episode was lost with its game in this step, which says nothing.
        hidden: ``[B, A, H]`` of the actor before the first step.
        epsilon: share of the uniform distribution in the policy that acted.
    """

    inputs: Tensor
    final_inputs: Tensor
    state: Tensor
    final_state: Tensor
    available: Tensor
    alive: Tensor
    next_alive: Tensor
    action: Tensor
    reward: Tensor
    start: Tensor
    terminated: Tensor
    done: Tensor
    cut: Tensor
    probe: Tensor
    lost: Tensor
    hidden: Tensor
    epsilon: float
