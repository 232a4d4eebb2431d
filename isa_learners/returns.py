"""Generalised advantages and lambda-returns, with the handling of episode ends."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from isa_wrappers.axes import Bool, Float


@dataclass
class Ahead:
    """What follows each step, as ``[T, B, A]`` bool each.

    Attributes:
        known: the value of the step's final observation counts.
        ends: the next step of the rollout does not count.
        lasts: anything after the step counts.
    """

    known: Tensor
    ends: Tensor
    lasts: Tensor


def within_episodes(
    done: Bool[Tensor, "time envs"],
    terminated: Bool[Tensor, "time envs"],
    cut: Bool[Tensor, "time envs agents"],
    next_alive: Float[Tensor, "time envs agents"],
) -> Ahead:
    """Return what follows each step of a rollout if returns end with the episode.

    After an end follows the value of the final observation, or nothing.

    Args:
        done: ``[T, B]``, terminated or truncated.
        terminated: ``[T, B]``.
        cut: ``[T, B, A]``, the agent alone was truncated in this step while the episode continued.
        next_alive: ``[T, B, A]``, 1 where the agent is alive after the step, before an automatic reset.

    Example:
        >>> import torch
        >>> done, no = torch.tensor([[False], [True], [False]]), torch.zeros(3, 1, 1, dtype=torch.bool)
        >>> ahead = within_episodes(done, done, no, torch.ones(3, 1, 1))
        >>> ahead.ends.flatten().tolist(), ahead.lasts.flatten().tolist()
        ([False, True, True], [True, False, True])
    """
    ends = done.clone()
    ends[-1].fill_(True)
    cut_or_over = ends[..., None] | cut
    living = next_alive > 0
    # An agent that alone is truncated no longer acts, but has a value.
    lasts = cut | (living & ~terminated[..., None])
    return Ahead(cut_or_over & (living | cut), cut_or_over, lasts)


def advantages(
    r_t: Float[Tensor, "time envs agents"],
    v_t: Float[Tensor, "time envs agents"],
    v_tp1: Float[Tensor, "time envs agents"],
    ends: Bool[Tensor, "time envs agents"],
    gamma: float,
    gae_lambda: float | Float[Tensor, "time envs agents"],
) -> Float[Tensor, "time envs agents"]:
    """Compute ``A_t = delta_t + gamma lambda A_(t+1)`` with ``delta_t = r_t + gamma v_tp1 - v_t``, cut at the ends.

    Args:
        r_t: ``[T, B, A]`` rewards.
        v_t: ``[T, B, A]`` values.
        v_tp1: ``[T, B, A]`` values of the next observation; 0 after termination, the final observation's after
            truncation.
        ends: ``[T, B, A]`` bool, the episode ends for the agent, or the rollout ends, with this step.
        gamma: discount in [0, 1].
        gae_lambda: lambda in [0, 1]; as an array, the entry at t applies to ``A_(t+1)``.

    Returns:
        ``[T, B, A]``.

    Source: Schulman et al., 2016 (arXiv 1506.02438), Eq. 16.

    Example:
        >>> import torch
        >>> ones, zeros = torch.ones(3, 1, 1), torch.zeros(3, 1, 1)
        >>> ends = torch.tensor([[[False]], [[False]], [[True]]])
        >>> advantages(ones, zeros, zeros, ends, gamma=0.5, gae_lambda=1.0)[:, 0, 0].tolist()
        [1.75, 1.5, 1.0]
    """
    advantage = r_t + gamma * v_tp1 - v_t
    weight = gamma * gae_lambda * (~ends).to(r_t.dtype)
    for t in range(len(advantage) - 2, -1, -1):
        advantage[t].addcmul_(weight[t], advantage[t + 1])
    return advantage


def lambda_returns(
    r_t: Float[Tensor, "time envs values"],
    v_tp1: Float[Tensor, "time envs values"],
    ends: Bool[Tensor, "time envs values"],
    gamma: float,
    td_lambda: float,
) -> Float[Tensor, "time envs values"]:
    """Compute ``G_t = r_t + gamma ((1 - lambda) v_tp1 + lambda G_(t+1))``, with ``G_(t+1) = v_tp1`` at the ends.

    Args:
        r_t: ``[T, B, M]`` rewards.
        v_tp1: ``[T, B, M]`` values after the step; 0 after termination.
        ends: ``[T, B, M]`` bool, the episode ends, for all or for the agent, with this step.
        gamma: discount in [0, 1].
        td_lambda: lambda in [0, 1]; 0 gives one-step targets, 1 full returns until the end.

    Returns:
        ``[T, B, M]``.

    Source: Sutton and Barto, 2018, Eq. 12.20; with greedy values Peng and Williams, 1996.

    Example:
        >>> import torch
        >>> ones, ends = torch.ones(3, 1, 1), torch.tensor([[[False]], [[False]], [[True]]])
        >>> lambda_returns(ones, 2 * ones, ends, gamma=0.5, td_lambda=1.0)[:, 0, 0].tolist()
        [2.0, 2.0, 2.0]
        >>> lambda_returns(ones, 4 * ones, ends, gamma=0.5, td_lambda=1.0)[:, 0, 0].tolist()
        [2.25, 2.5, 3.0]
    """
    returns = r_t + gamma * v_tp1
    weight = gamma * td_lambda * (~ends).to(r_t.dtype)
    for t in range(len(returns) - 2, -1, -1):
        returns[t].addcmul_(weight[t], returns[t + 1] - v_tp1[t])
    return returns
