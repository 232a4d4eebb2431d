"""The training data of a COMA update."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from isa_learners.rollout import Rollout


@dataclass(kw_only=True)
class Batch(Rollout):
    """A rollout with scaled states and additional training data.

    Attributes:
        inputs: ``[T, B, A, F]`` inputs of the actor: own observation, last action, id.
        final_inputs: ``[T, B, A, F]`` inputs after the step, before an automatic reset.
        hidden: ``[B, A, H]`` hidden state of the actor before the first step.
        epsilon: share of the uniform distribution in the policy that acted.
    """

    inputs: Tensor
    final_inputs: Tensor
    hidden: Tensor
    epsilon: float
