"""Hyperparameters of MASER, beside those of the Q-learning that it is a part of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_wrappers.fields import OneOf, Range, Share, Weight, check_fields

MASER_METRICS = ("subgoal_step", "subgoal_reward", "individual_loss", "uniform_divergence", "distance_loss")
"""Of an update, averaged over its gradient steps; 0 while the replay holds less than a batch."""


@dataclass(frozen=True)
class MaserConfig:
    """MASER: subgoals out of replayed episodes (Jeon et al., 2022, arXiv 2206.10607).

    Attributes:
        variant: ``as_written`` in the paper, or ``as_released`` in the authors' program, whose embedding stays as it
            was drawn and whose divergence trains nothing.
        alpha: share of the agent's own value, against the team's per agent, in what makes a step the subgoal.
        subgoal_factor: lambda, factor of the rewards for being near the subgoal.
        individual_factor: factor of the loss of the agents' own values.
        divergence_factor: factor of the divergence from uniform action from the subgoal on; of no meaning
            ``as_released``.
        distance_factor: factor of the loss that trains the embedding; of no meaning ``as_released``.
        embedding_width: width of the hidden layer of the embedding of observations.
    """

    variant: Annotated[str, OneOf("as_written", "as_released")] = "as_written"
    alpha: Share = 0.5
    subgoal_factor: Weight = 0.03
    individual_factor: Weight = 0.001
    divergence_factor: Weight = 0.001
    distance_factor: Weight = 0.001
    embedding_width: Annotated[int, Range(1, 2**14)] = 128

    def __post_init__(self) -> None:
        check_fields(self)
