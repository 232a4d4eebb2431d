"""Outputs of the networks over replayed episodes, and what an algorithm may add to rewards and losses by them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass
class Outlook:
    """What live and target networks say of b episodes of at most L steps; time first.

    Attributes:
        obs: ``[L + 1, b, A, O]``, scaled.
        state: ``[L + 1, b, K]``, scaled.
        reward: ``[L, b, A]``, scaled.
        available: ``[L + 1, b, A, n]`` bool.
        live: ``[L + 1, b, A, n]`` values by the live network, 0 where nobody is valued; without a gradient where
            somebody has just been truncated by itself.
        ahead: ``[L + 1, b, A, n]`` the same by the target network, without a gradient.
        chosen: ``[L, b, A]`` values of the actions taken by the live network, 0 where nobody acts.
        greedy: ``[L + 1, b, A]`` values of the greedy actions by the target network, 0 where nobody is valued.
        team: ``[L + 1, b, M]`` what the target mixer makes of them.
        within: ``[L, b]`` bool, the step belongs to the episode.
        acts: ``[L, b, A]`` bool, the agent acts in this step of the episode.
        valued: ``[L + 1, b, A]`` bool, the agent lives, or has just been truncated by itself.
        last: ``[L, b]`` bool, the episode's last step.
        cut: ``[L, b, A]`` bool, the agent was truncated by itself in this step.
        goes_on: ``[L, b]`` bool, what follows the step has a value: it does not terminate the episode.
    """

    obs: Tensor
    state: Tensor
    reward: Tensor
    available: Tensor
    live: Tensor
    ahead: Tensor
    chosen: Tensor
    greedy: Tensor
    team: Tensor
    within: Tensor
    acts: Tensor
    valued: Tensor
    last: Tensor
    cut: Tensor
    goes_on: Tensor


@dataclass
class Addition:
    """What a part adds to a gradient step.

    Attributes:
        reward: ``[L, b, 1]`` added to the team's reward; no gradient flows through it.
        loss: added to the TD loss.
        figures: ``[k]`` the part's metrics.
    """

    reward: Tensor
    loss: Tensor
    figures: Tensor


class Part(nn.Module, ABC):
    """What an algorithm adds to Q-learning: a reward and a loss that follow from replayed episodes.

    Parameters of its own are trained with the networks, as far as the loss reaches them.
    """

    @abstractmethod
    def forward(self, outlook: Outlook) -> Addition:
        """Return what it adds."""
