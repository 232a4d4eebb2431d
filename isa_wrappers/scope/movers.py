"""Which of two actions that differ is the one that moves a dimension."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STILL = 0.5
"""An action that leaves a dimension unchanged in this share of what parts it from another is the still one of them."""


def credit(effect: Floats, still: Floats, slower: Floats, theta: float, ordered: bool = False) -> npt.NDArray[np.bool_]:
    """Tell which actions move a dimension, of those that differ in it.

    That ``wait`` and ``push`` differ does not say which of them moves: by convention, the one that does not leave
    things as they are. Where neither is the still one (inertia, drift, noise) it is the one that fewer others are like.

    1. Where a leaves the dimension unchanged more often than b does, by half of all that parts them or twice as often,
       the pair gives a nothing.
    2. Where neither is still, and more actions are like a than like b, the pair gives a nothing. Unlike are two whose
       effect is at least theta of the largest in that dimension.
    3. Where as many are like a as like b, and a changes the dimension less than b does on average, by half of all that
       parts them, the pair gives a nothing. Otherwise it gives to both.
    4. An action that loses by 1 or 3 to half of those it differs from moves nothing, whatever the others say: unless
       one of these is still beside it by 1. (Of ``up`` and ``down`` the one that meets a wall more often loses to the
       other; beside ``wait`` both move.)

    Parts of a range have no majority, and both ends of it may move: rules 2 and 3 are not for them.

    Args:
        effect: ``[n, n, d]``, symmetric: how much a and b differ, 0 where that may be chance.
        still: ``[n, n, d]``, antisymmetric: P(no change | a) - P(no change | b) as a share of what parts a and b.
        slower: ``[n, n, d]``, antisymmetric: by how much less the average change is with a than with b, as a share of
            how far a and b are apart.
        theta: share of the largest effect from which two actions count as unlike.
        ordered: the actions are parts of a range.

    Returns:
        ``[n, n, d]``: does the pair (a, b) credit a with the dimension?

    Example:
        >>> effect, still, slower = np.zeros((3, 2, 2, 1))
        >>> effect[0, 1] = effect[1, 0] = 0.9
        >>> still[0, 1], still[1, 0] = 1.0, -1.0
        >>> credit(effect, still, slower, 0.1)[..., 0].tolist()  # the second moves
        [[False, False], [True, False]]
    """
    differ = effect > 0.0
    unlike = differ & (effect >= theta * effect.max(axis=(0, 1)))
    alike = (~unlike).sum(axis=1)
    undecided = np.abs(still) < STILL
    odd = undecided & (alike[:, None] > alike[None, :])
    quieter = still >= STILL
    if ordered:
        odd = np.zeros_like(odd)
    else:
        quieter |= undecided & (alike[:, None] == alike[None, :]) & (slower >= STILL)
    mostly_quiet = (differ & quieter).sum(axis=1) >= STILL * differ.sum(axis=1)
    mostly_quiet &= ~(differ & (still <= -STILL)).any(axis=1)
    return differ & ~odd & ~quieter & ~mostly_quiet[:, None]  # type: ignore[no-any-return]
