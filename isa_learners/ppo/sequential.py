"""Sequential updates of agents, each of which accounts for the updated policies before it (HAPPO)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from isa_wrappers.axes import Float, Real


def compound_advantages(
    order: Iterable[int], advantage: Tensor, ratio: Callable[[int], Tensor]
) -> Iterator[tuple[int, Tensor]]:
    """Yield each agent with its advantage ``M_i = A prod_(j before i) pi_j(new) / pi_j(old)``.

    The ratio of an agent is computed after the caller has updated its policy.

    Args:
        order: order of the agents.
        advantage: ``[T, B, A]``.
        ratio: agent -> ``[T, B]``.

    Source: HAPPO (Kuba et al., 2022, arXiv 2109.11251), its sequential update.

    Example:
        >>> for agent, own in compound_advantages([1, 0], torch.ones(1, 1, 2), lambda agent: torch.tensor([[0.5]])):
        ...     print(agent, own[..., agent].item())
        1 1.0
        0 0.5
    """
    for agent in order:
        yield agent, advantage
        advantage = advantage * ratio(agent)[..., None]


def policy_ratio(
    log_prob: Float[Tensor, "*any"], old_log_prob: Float[Tensor, "*any"], chosen: Real[Tensor, "*any"]
) -> Float[Tensor, "*any"]:
    """Return ``pi(new) / pi(old)`` of actions that the policy chose; 1 elsewhere."""
    return torch.where(chosen > 0, log_prob - old_log_prob, 0.0).exp()
