"""Mixers, which combine the values of the agents, and their registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from isa_learners.q_learning.config import QConfig
from isa_learners.rollout import Sizes
from isa_wrappers.registry import Registry


class Independent(nn.Module):
    """Keeps the value of every agent separate, trained on its own reward."""

    def forward(self, q: Tensor, state: Tensor) -> Tensor:
        """Return ``q`` ``[..., A]``."""
        return q


class Sum(nn.Module):
    """Sums the values: ``Q_tot = sum_i Q_i``.

    Source: VDN (Sunehag et al., 2018, arXiv 1706.05296), Eq. 1.

    Example:
        >>> import torch
        >>> Sum()(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 3)).tolist()
        [[3.0]]
    """

    def forward(self, q: Tensor, state: Tensor) -> Tensor:
        """Return ``[..., 1]``.

        Args:
            q: ``[..., A]``, 0 for dead agents.
            state: ``[..., K]``.
        """
        return q.sum(-1, keepdim=True)


@dataclass(frozen=True)
class MixerSpec:
    """A mixer, as an entry of :data:`MIXERS`.

    Attributes:
        description: one-line description.
        make: sizes and configuration -> a module that maps values ``[..., A]`` and states ``[..., K]`` to ``[..., M]``.
        of_team: if true, M is 1 and the reward is the mean over agents; else M is A and each agent has its own.
        needs_state: whether it uses the global state.
    """

    description: str
    make: Callable[[Sizes, QConfig], nn.Module]
    of_team: bool = True
    needs_state: bool = False


INDEPENDENT = MixerSpec(
    "a separate value and reward for every agent", lambda sizes, config: Independent(), of_team=False
)
SUM = MixerSpec("the sum of the agents' values", lambda sizes, config: Sum())

MIXERS: Registry[MixerSpec] = Registry(
    "mixer",
    "isa_marl.mixers",
    {
        "none": "isa_learners.q_learning.mixers:INDEPENDENT",
        "sum": "isa_learners.q_learning.mixers:SUM",
        "qmix": "isa_learners.q_learning.qmix:QMIX_MIXER",
    },
    MixerSpec,
)
