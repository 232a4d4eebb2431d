"""The training data of PPO."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from isa_learners.masks import chosen_steps
from isa_learners.recurrent.rows import RowCopies


@dataclass
class Batch:
    """T steps of B environments with A agents; time first.

    Attributes:
        inputs: ``[T, B, A, F]`` network inputs.
        final_inputs: ``[T, B, A, F]`` inputs after the step, before an automatic reset; valid only in the last step and
            where an agent's episode ends.
        available: ``[T, B, A, n]`` bool.
        alive: ``[T, B, A]`` float, 1 where the agent acted.
        next_alive: ``[T, B, A]`` float, 1 where the agent is alive after the step, before an automatic reset.
        action: ``[T, B, A]`` int64, or ``[T, B, A, d]`` float32, in the format of the learner's head.
        log_prob: ``[T, B, A]`` log-probability of the action under the policy that took it.
        reward: ``[T, B, A]``.
        start: ``[T, B]`` bool, an episode starts at this step.
        terminated: ``[T, B]`` bool.
        done: ``[T, B]`` bool, terminated or truncated.
        actor_hidden: ``[1, B, A, H]`` hidden state of the actor before the first step.
        critic_hidden: ``[1, B, A, H]`` hidden state of the critic before the first step.
        cut: ``[T, B, A]`` bool, the agent alone was truncated in this step while the episode continued; by default
            none.
        probe: ``[T, B, A]`` bool, the action was drawn uniformly, not from the policy; by default none.
        state: ``[T, B, K]`` additional input of the critic; by default empty (K is 0).
        final_state: ``[T, B, K]`` ``state`` after the step, before an automatic reset.
        lost: ``[T, B]`` bool, the episode was lost in this step because its game failed; by default none.
        bonus: ``[T, B, A]`` intrinsic reward for which the critic has a separate head; by default empty,
            ``[T, B, 0]``.
    """

    inputs: Tensor
    final_inputs: Tensor
    available: Tensor
    alive: Tensor
    next_alive: Tensor
    action: Tensor
    log_prob: Tensor
    reward: Tensor
    start: Tensor
    terminated: Tensor
    done: Tensor
    actor_hidden: Tensor
    critic_hidden: Tensor
    cut: Tensor = None  # type: ignore[assignment]
    probe: Tensor = None  # type: ignore[assignment]
    state: Tensor = None  # type: ignore[assignment]
    final_state: Tensor = None  # type: ignore[assignment]
    bonus: Tensor = None  # type: ignore[assignment]
    lost: Tensor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.cut is None:
            self.cut = torch.zeros_like(self.alive, dtype=torch.bool)
        if self.probe is None:
            self.probe = torch.zeros_like(self.alive, dtype=torch.bool)
        if self.lost is None:
            self.lost = torch.zeros_like(self.done)
        if self.state is None:
            self.state = self.final_state = self.alive.new_zeros(*self.alive.shape[:2], 0)
        if self.bonus is None:
            self.bonus = self.alive.new_zeros(*self.alive.shape[:2], 0)

    @property
    def chosen(self) -> Tensor:
        """``[T, B, A]`` float, 1 where the policy chose the action: the agent acted, no probe, in a step not lost."""
        return chosen_steps(self.alive, self.probe, self.lost)

    def actor_inputs(self, rows: Tensor) -> Tensor:
        """Return the actor's inputs ``[R, F]`` at ``rows`` ``[R]`` of the rollout flattened from ``[T, B, A]``."""
        return self.inputs.flatten(0, 2)[rows]

    def critic_inputs(self, rows: Tensor, final: bool = False) -> Tensor:
        """Return the critic's inputs ``[R, F + K]`` at ``rows`` ``[R]`` of the rollout flattened from ``[T, B, A]``.

        Args:
            rows: indices of the steps.
            final: return the inputs after the steps, before an automatic reset.
        """
        inputs, state = (self.final_inputs, self.final_state) if final else (self.inputs, self.state)
        own_inputs = inputs.flatten(0, 2)[rows]
        if not state.shape[-1]:
            return own_inputs
        return torch.cat([own_inputs, state.flatten(0, 1)[rows // inputs.shape[2]]], dim=-1)

    @staticmethod
    def join(batches: list[Batch], fixed_shapes: bool = False) -> JoinedBatch:
        """Concatenate batches of equal length along the environment axis.

        Args:
            batches: batches to join.
            fixed_shapes: do not check whether all rows are requested.
        """
        parts = {f.name: [getattr(batch, f.name) for batch in batches] for f in fields(Batch)}
        joined = {name: part[0] if len(part) == 1 else torch.cat(part, 1) for name, part in parts.items()}
        batch = JoinedBatch(**joined)
        batch.rows_of_actor, batch.rows_of_critic = RowCopies(not fixed_shapes), RowCopies(not fixed_shapes)
        return batch


class JoinedBatch(Batch):
    """A batch for one update; it reuses memory for the requested inputs until the update is over.

    Inputs of the actor stay valid until the next inputs of the actor are requested, and likewise for the critic, so
    that both can learn in parallel.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rows_of_actor, self.rows_of_critic = RowCopies(), RowCopies()

    def actor_inputs(self, rows: Tensor) -> Tensor:
        """Return the inputs of the actor; see :meth:`Batch.actor_inputs`."""
        return self.rows_of_actor(self.inputs.flatten(0, 2), rows)

    def critic_inputs(self, rows: Tensor, final: bool = False) -> Tensor:
        """Return the inputs of the critic; see :meth:`Batch.critic_inputs`."""
        if final or self.state.shape[-1]:
            return super().critic_inputs(rows, final)
        return self.rows_of_critic(self.inputs.flatten(0, 2), rows)
