"""Hyperparameters of MASER, in addition to those of Q-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_wrappers.fields import OneOf, Range, Share, Weight, check_fields

MASER_METRICS = ("subgoal_step", "subgoal_reward", "individual_loss", "uniform_divergence", "distance_loss")
"""Metrics of an update, averaged over its gradient steps; 0 while the replay is smaller than a batch."""


@dataclass(frozen=True)
class MaserConfig:
    """MASER: subgoals from replayed episodes (Jeon et al., 2022, arXiv 2206.10607).

    Attributes:
        variant: ``as_written`` follows the paper, ``as_released`` the authors' program, in which the embedding keeps
            its random initial weights and the divergence trains nothing.
        alpha: weight of the agent's own value, as opposed to the team's value per agent, in the choice of the subgoal.
        subgoal_factor: lambda, factor of the rewards for being close to the subgoal.
        individual_factor: factor of the loss of the agents' own values.
        divergence_factor: factor of the loss that draws the action probabilities towards uniform ones from the subgoal
            on; no effect with ``as_released``.
        distance_factor: factor of the loss that trains the embedding; no effect with ``as_released``.
        embedding_width: width of the hidden layer of the observation embedding.
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
