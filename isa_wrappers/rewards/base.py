"""What an intrinsic reward is: one object that both wrapper families call with a transition."""

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
    """A reward and what it is made of.

    Attributes:
        total: ``[..., A]`` what the agent learns from: the environment's reward with its weight is in it.
        intrinsic: ``[..., A]`` the same without the environment's reward.
        parts: name -> ``[..., A]``, for the infos.
    """

    total: Array
    intrinsic: Array
    parts: dict[str, Array]


PlainReward = Callable[[PlainStep, bool], RewardParts]
"""Step, update -> the reward of one environment, its arrays as lists of A numbers."""


class IntrinsicReward(ABC):
    """Base of intrinsic rewards. A subclass names itself and its parts and computes them.

    Arrays are NumPy's or torch's, whatever comes in; leading axes are free. State that is learned or counted goes into
    :meth:`state_dict`, and changes only where ``update`` holds. Agents that did not act get the environment's reward
    alone.

    Attributes:
        name: what its parts are called in ``infos``, as ``isa/NAME_PART``; one of a name to a stack of wrappers.
        parts: names of its parts.
        needs_goal: it reads ``transition.goal``, so there must be a ``GoalSampling`` inside its wrapper.
        needs_obs: it reads ``transition.obs_t`` or ``obs_tp1``, which one environment has to be asked for.
        needs_available: it reads ``transition.available``, likewise.
        keeps_env_reward: its total holds the environment's reward, with whatever weight above 0.
        credit: what it was made for, checked against the environment by the wrappers; ``None`` where it needs none.
        plain: computes the same of one environment on plain numbers, where there is such a way and it is faster.

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
        """Continue with a scope that has grown, or credit made from it; what was counted or learned of the rest stays.

        Raises:
            InvalidValueError: unless it is overridden, where the reward was made for credit.
        """
        if self.credit is not None:
            raise InvalidValueError(
                f"reward {self.name!r} cannot follow a scope: {type(self).__name__} has no follow() of its own"
            )

    @abstractmethod
    def __call__(self, transition: Transition, update: bool = True) -> RewardParts:
        """Reward a step.

        Args:
            transition: the step.
            update: False looks up without counting or learning (evaluation).
        """

    def state_dict(self) -> dict[str, Array]:
        """Return what :meth:`load_state_dict` needs to continue from here."""
        return {}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ScopeMismatchError: unless it is overridden, where there is anything to restore.
        """
        if state and type(self).load_state_dict is IntrinsicReward.load_state_dict:
            raise ScopeMismatchError(
                f"the saved state does not fit reward {self.name!r}: it holds {next(iter(state))!r}, and "
                f"{type(self).__name__} has no load_state_dict() of its own"
            )


def checked(reward: IntrinsicReward, paid: Any, like: Array) -> RewardParts:
    """Return what a reward made of a step, float32, if it is a reward of every agent.

    Args:
        reward: which.
        paid: what it returned.
        like: ``[..., A]`` what came in.

    Raises:
        InvalidValueError: naming the reward and what is wrong with it.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.rewards.novelty import StateNovelty
        >>> one = np.zeros(1)
        >>> checked(StateNovelty(2), RewardParts(one, one, {"novelty": one}), np.zeros(3))
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: reward 'count_state' must return total [3] as given, got ndarray [1]
    """
    if not isinstance(paid, RewardParts):
        raise InvalidValueError(f"reward {reward.name!r} must return RewardParts, got {shown(paid)}")
    if set(paid.parts) != set(reward.parts):
        got = ", ".join(map(repr, paid.parts)) or "none"
        raise InvalidValueError(f"reward {reward.name!r} must return parts {', '.join(reward.parts)}, got {got}")
    arrays = {"total": paid.total, "intrinsic": paid.intrinsic, **paid.parts}
    for name, array in arrays.items():
        if not isinstance(array, type(like)) or array.shape != like.shape:
            kind = f"{type(array).__name__} {list(getattr(array, 'shape', ()))}"
            raise InvalidValueError(
                f"reward {reward.name!r} must return {name} {list(like.shape)} as given, got {kind}"
            )
    xp = namespace(like)
    if paid.total.dtype == paid.intrinsic.dtype == xp.float32:
        return paid
    return paid._replace(**{name: xp.astype(arrays[name], xp.float32) for name in ("total", "intrinsic")})
