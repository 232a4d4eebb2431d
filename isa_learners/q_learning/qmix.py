"""The monotonic mixer of QMIX."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import elu

from isa_learners.q_learning.config import QMIX_WIDTHS, QConfig
from isa_learners.q_learning.mixers import MixerSpec
from isa_learners.rollout import Sizes


class QMixer(nn.Module):
    """Mixes the values with non-negative weights that depend on the global state.

    ``Q_tot = w2 . ELU(q w1 + b1) + V(s)`` with ``w1 = |hyper_1(s)|`` ``[A, M]`` and ``w2 = |hyper_2(s)|`` ``[M]``, so
    that ``dQ_tot / dQ_i >= 0``: what is best for each agent is best for the team.

    Source: QMIX (Rashid et al., 2018, arXiv 1803.11485), Eq. 5 and Figure 2; hypernetworks with two layers as in the
    authors' later code.

    Args:
        num_agents: A.
        state_size: K.
        width: M.
        hypernet_width: width of the hidden layer of ``hyper_1`` and ``hyper_2``; 0 makes them linear.
    """

    def __init__(self, num_agents: int, state_size: int, width: int, hypernet_width: int) -> None:
        super().__init__()
        self.num_agents, self.width = num_agents, width
        self.hyper_1 = _hypernet(state_size, hypernet_width, num_agents * width)
        self.hyper_2 = _hypernet(state_size, hypernet_width, width)
        self.bias = nn.Linear(state_size, width)
        self.value = _hypernet(state_size, width, 1)

    def forward(self, q: Tensor, state: Tensor) -> Tensor:
        """Return ``Q_tot`` ``[..., 1]``.

        Args:
            q: ``[..., A]``, 0 for dead agents.
            state: ``[..., K]``.
        """
        first = self.hyper_1(state).abs().unflatten(-1, (self.num_agents, self.width))
        hidden = elu((q[..., None, :] @ first)[..., 0, :] + self.bias(state))
        mixed: Tensor = (hidden * self.hyper_2(state).abs()).sum(-1, keepdim=True) + self.value(state)
        return mixed


def _hypernet(state_size: int, width: int, outputs: int) -> nn.Module:
    if width == 0:
        return nn.Linear(state_size, outputs)
    return nn.Sequential(nn.Linear(state_size, width), nn.ReLU(), nn.Linear(width, outputs))


def _make(sizes: Sizes, config: QConfig) -> nn.Module:
    width, hypernet = (getattr(config, name) for name in QMIX_WIDTHS)
    return QMixer(sizes.num_agents, sizes.state_size, width, hypernet)


QMIX_MIXER = MixerSpec("a monotonic mix with weights that depend on the global state", _make, needs_state=True)
