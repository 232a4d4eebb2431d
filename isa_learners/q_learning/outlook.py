"""Network outputs for replayed episodes, and the interface of parts that add rewards and losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass
class Outlook:
    """Outputs of live and target networks for b episodes of at most L steps; time first.

    Attributes:
        obs: ``[L + 1, b, A, O]``, scaled.
        state: ``[L + 1, b, K]``, scaled.
        reward: ``[L, b, A]``, scaled.
        available: ``[L + 1, b, A, n]`` bool.
        live: ``[L + 1, b, A, n]`` values of the live network, 0 where ``valued`` is false; without a gradient where an
            agent alone has just been truncated.
        ahead: ``[L + 1, b, A, n]`` values of the target network, without a gradient.
        chosen: ``[L, b, A]`` values of the actions taken by the live network, 0 where no agent acts.
        greedy: ``[L + 1, b, A]`` values of the greedy actions by the target network, 0 where ``valued`` is false.
        team: ``[L + 1, b, M]`` output of the target mixer for ``greedy``.
        within: ``[L, b]`` bool, the step belongs to the episode.
        acts: ``[L, b, A]`` bool, the agent acts in this step of the episode.
        valued: ``[L + 1, b, A]`` bool, the agent is alive, or it alone has just been truncated.
        last: ``[L, b]`` bool, last step of the episode.
        cut: ``[L, b, A]`` bool, the agent alone was truncated in this step.
        has_next: ``[L, b]`` bool, the step does not terminate the episode, so the next state has a value.
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
    has_next: Tensor


@dataclass
class Addition:
    """The contribution of a part to a gradient step.

    Attributes:
        reward: ``[L, b, 1]`` added to the team's reward, without gradient.
        loss: added to the TD loss.
        figures: ``[k]`` metrics of the part.
    """

    reward: Tensor
    loss: Tensor
    figures: Tensor


class Part(nn.Module, ABC):
    """An addition of an algorithm to Q-learning: a reward and a loss computed from replayed episodes.

    Its parameters are trained together with the networks.
    """

    @abstractmethod
    def forward(self, outlook: Outlook) -> Addition:
        """Return the contribution."""
