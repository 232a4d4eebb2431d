"""Lambda-returns of values."""

from __future__ import annotations

from torch import Tensor

from isa_wrappers.axes import Bool, Float


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
        v_tp1: ``[T, B, M]`` values of what follows the step; 0 after termination.
        ends: ``[T, B, M]`` bool, the episode, or an agent's part in it, ends with this step.
        gamma: discount in [0, 1].
        td_lambda: lambda in [0, 1]; 0 gives one-step targets, 1 what was earned until the end.

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
