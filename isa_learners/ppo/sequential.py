"""Agents updated one after the other: each takes into account what those before it have become (HAPPO)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from isa_wrappers.axes import Float, Real


def compound_advantages(
    order: Iterable[int], advantage: Tensor, ratio: Callable[[int], Tensor]
) -> Iterator[tuple[int, Tensor]]:
    """Yield each agent with its advantage ``M_i = A prod_(j before i) pi_j(new) / pi_j(old)``.

    The ratio of an agent is asked for once the caller is done with it, and so with its policy as it has become.

    Args:
        order: of the agents.
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
    """Return ``pi(new) / pi(old)`` of actions that the policy chose; 1 where nobody acted, or nobody chose."""
    return torch.where(chosen > 0, log_prob - old_log_prob, 0.0).exp()
