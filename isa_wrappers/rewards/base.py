"""Base class of intrinsic rewards, which the wrappers of single and batched environments call with a transition."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from isa_wrappers.arrays import Array, namespace
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError, shown
from isa_wrappers.rewards.transition import PlainStep, Transition
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope


class RewardParts(NamedTuple):
    """A reward and its parts.

    Attributes:
        total: reward for the learner, ``[..., A]``, including the weighted reward of the environment.
        intrinsic: the same without the environment's reward, ``[..., A]``.
        parts: name -> ``[..., A]``, for the infos.
    """

    total: Array
    intrinsic: Array
    parts: dict[str, Array]


PlainReward = Callable[[PlainStep, bool], RewardParts]
"""(step, update) -> reward of one environment, with lists of A numbers instead of arrays."""


class IntrinsicReward(ABC):
    """Base class of intrinsic rewards. A subclass defines its name, its parts and how to compute them.

    Arrays belong to NumPy or torch, depending on the input, and can have any leading axes. Learned or counted state
    belongs in :meth:`state_dict` and may change only if ``update`` is true. Agents that did not act receive only the
    environment's reward.

    Attributes:
        name: prefix of its parts in ``infos``, as ``isa/NAME_PART``; unique in a stack of wrappers.
        parts: names of its parts.
        needs_goal: whether it reads ``transition.goal``; its wrapper must then contain a ``GoalSampling``.
        needs_obs: whether it reads ``transition.obs_t`` or ``obs_tp1``.
        needs_available: whether it reads ``transition.available``.
        keeps_env_reward: whether its total includes the environment's reward, with a weight above 0.
        credit: the credit that it was made for, which the wrappers check against the environment; ``None`` if it needs
            none.
        plain: an optional faster function that computes the same reward of one environment on plain numbers.

    Example:
        >>> import numpy as np
        >>> class Still(IntrinsicReward):
        ...     name, parts = "still", ("pay",)
        ...
        ...     def __call__(self, transition, update=True):
        ...         pay = (transition.actions == 0) * transition.alive
        ...         return RewardParts(pay + transition.reward, pay, {"pay": pay})
        >>> step = Transition(None, None, None, np.array([0, 1]), np.zeros(2), np.array([True, True]))
        >>> Still()(step).total.tolist()
        [1.0, 0.0]
    """

    name: ClassVar[str]
    parts: ClassVar[tuple[str, ...]]
    needs_goal: ClassVar[bool] = False
    needs_obs: ClassVar[bool] = False
    needs_available: ClassVar[bool] = False
    keeps_env_reward: bool = True
    credit: Credit | None = None
    plain: PlainReward | None = None

    def follow(self, scope: InfluenceScope | Credit) -> None:
        """Continue with an extended scope, or credit made from it; unaffected counts and parameters are kept.

        Raises:
            InvalidValueError: if the reward was made for credit and does not override this method.
        """
        if self.credit is not None:
            raise InvalidValueError(
                f"reward {self.name!r} cannot follow a scope: {type(self).__name__} does not override follow()"
            )

    @abstractmethod
    def __call__(self, transition: Transition, update: bool = True) -> RewardParts:
        """Compute the reward of a step.

        Args:
            transition: the step.
            update: whether to count and learn; False for evaluation.
        """

    def state_dict(self) -> dict[str, Array]:
        """Return the state for :meth:`load_state_dict`."""
        return {}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ScopeMismatchError: if there is state to restore and the reward does not override this method.
        """
        if state and type(self).load_state_dict is IntrinsicReward.load_state_dict:
            raise ScopeMismatchError(
                f"the saved state does not fit reward {self.name!r}: it contains {next(iter(state))!r}, but "
                f"{type(self).__name__} does not override load_state_dict()"
            )


def checked(reward: IntrinsicReward, paid: Any, like: Array) -> RewardParts:
    """Check the result of a reward and return it as float32.

    Args:
        reward: the reward.
        paid: its result.
        like: the incoming reward, ``[..., A]``.

    Raises:
        InvalidValueError: if the result is invalid; the message names the reward and the problem.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.rewards.novelty import StateNovelty
        >>> one = np.zeros(1)
        >>> checked(StateNovelty(2), RewardParts(one, one, {"novelty": one}), np.zeros(3))
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: reward 'count_state' must return total as ndarray [3], got ndarray [1]
    """
    if not isinstance(paid, RewardParts):
        raise InvalidValueError(f"reward {reward.name!r} must return RewardParts, got {shown(paid)}")
    if set(paid.parts) != set(reward.parts):
        given = ", ".join(map(repr, paid.parts)) or "none"
        raise InvalidValueError(f"reward {reward.name!r} must return parts {', '.join(reward.parts)}, got {given}")
    arrays = {"total": paid.total, "intrinsic": paid.intrinsic, **paid.parts}
    for name, array in arrays.items():
        if not isinstance(array, type(like)) or array.shape != like.shape:
            kind = f"{type(array).__name__} {list(getattr(array, 'shape', ()))}"
            raise InvalidValueError(
                f"reward {reward.name!r} must return {name} as {type(like).__name__} {list(like.shape)}, got {kind}"
            )
    xp = namespace(like)
    if paid.total.dtype == paid.intrinsic.dtype == xp.float32:
        return paid
    return paid._replace(**{name: xp.astype(arrays[name], xp.float32) for name in ("total", "intrinsic")})
