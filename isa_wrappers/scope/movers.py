"""Decide which of two actions with different effects moves a dimension."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STILL = 0.5
"""An action counts as the still one if "no change" accounts for this fraction of its difference from another action."""


def credit(effect: Floats, still: Floats, slower: Floats, theta: float, ordered: bool = False) -> npt.NDArray[np.bool_]:
    """Return which of the actions that differ in a dimension move it.

    A difference between ``wait`` and ``push`` does not show which of them moves the dimension. By convention, it is the
    one that does not leave it unchanged. If neither is still (inertia, drift, noise), it is the more unusual action.

    1. If a leaves the dimension unchanged more often than b, by half of their difference or twice as often, the pair
       does not credit a.
    2. If neither is still and more actions are similar to a than to b, the pair does not credit a. Two actions are
       different if their effect is at least theta times the largest one in that dimension.
    3. If equally many are similar to a and b, and a changes the dimension less than b on average, by half of their
       difference, the pair does not credit a. Otherwise it credits both.
    4. An action that loses by rule 1 or 3 to half of the actions it differs from moves nothing, unless one of these is
       still compared with it by rule 1. (Of ``up`` and ``down``, the one that meets a wall more often loses to the
       other; compared with ``wait``, both move.)

    Parts of a range have no majority, and both ends may move, so rules 2 and 3 do not apply to them.

    Args:
        effect: difference between a and b, 0 if it is not significant, ``[n, n, d]``, symmetric.
        still: P(no change | a) - P(no change | b), relative to the difference of a and b, ``[n, n, d]``,
            antisymmetric.
        slower: how much smaller the average change is with a than with b, relative to the distance of a and b,
            ``[n, n, d]``, antisymmetric.
        theta: fraction of the largest effect from which two actions count as different.
        ordered: whether the actions are parts of a range.

    Returns:
        Whether the pair (a, b) credits a with the dimension, ``[n, n, d]``.

    Example:
        >>> effect, still, slower = np.zeros((3, 2, 2, 1))
        >>> effect[0, 1] = effect[1, 0] = 0.9
        >>> still[0, 1], still[1, 0] = 1.0, -1.0
        >>> credit(effect, still, slower, 0.1)[..., 0].tolist()  # the second action moves
        [[False, False], [True, False]]
    """
    differ = effect > 0.0
    is_different = differ & (effect >= theta * effect.max(axis=(0, 1)))
    num_similar = (~is_different).sum(axis=1)
    undecided = np.abs(still) < STILL
    is_unusual = undecided & (num_similar[:, None] > num_similar[None, :])
    quieter = still >= STILL
    if ordered:
        is_unusual = np.zeros_like(is_unusual)
    else:
        quieter |= undecided & (num_similar[:, None] == num_similar[None, :]) & (slower >= STILL)
    mostly_quiet = (differ & quieter).sum(axis=1) >= STILL * differ.sum(axis=1)
    mostly_quiet &= ~(differ & (still <= -STILL)).any(axis=1)
    return differ & ~is_unusual & ~quieter & ~mostly_quiet[:, None]  # type: ignore[no-any-return]
