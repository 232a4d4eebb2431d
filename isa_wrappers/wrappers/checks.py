"""What both families of wrappers check of a stack before goals or an intrinsic reward are put on top of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from isa_wrappers.batch.own_steps import missed
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.border.layers import layers_of
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError, UnsupportedEnvironmentError, check_kind
from isa_wrappers.rewards.base import IntrinsicReward
from isa_wrappers.rewards.count_bonus import CountBonus
from isa_wrappers.rewards.goal_reward import GoalReward
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.rewards.novelty import ObservationNovelty, StateNovelty
from isa_wrappers.rewards.projection import GoalProjection
from isa_wrappers.rewards.stitched import StitchedGoals

MODES = ("replace", "add")
"""What a reward wrapper does with the environment's reward."""


def check_stack(
    env: object, reward: IntrinsicReward, inner: Iterable[IntrinsicReward], projection: GoalProjection | None
) -> None:
    """Check that a reward can be paid around ``env``.

    Args:
        env: what is to be wrapped, for messages.
        reward: what is to be paid.
        inner: the rewards that wrappers inside pay.
        projection: that of the goals inside, or ``None`` without goals.

    Raises:
        InvalidValueError: if one of its name is paid already, or it needs goals and there are none.
        ScopeMismatchError: if goals are shown in other dimensions than those it pays for.
    """
    kind = type(reward).__name__
    if any(other.name == reward.name for other in inner):
        raise InvalidValueError(
            f"an intrinsic reward {reward.name!r} is paid inside already; a second one would pay twice"
        )
    if reward.needs_goal and projection is None:
        raise InvalidValueError(f"{kind} needs goals: wrap {env} with GoalSampling first, then with the reward")
    if reward.needs_goal and projection is not None and reward.credit is not None:
        projection.check_fits(reward.credit)


def check_goals(
    goals: object,
    agents: Sequence[str],
    num_actions: Sequence[int],
    state_size: int | None,
    whose: str = "this environment",
) -> None:
    """Check that goals are states of such an environment; ``None`` stands for a length that is unknown yet.

    Raises:
        InvalidValueError: if it is no goal buffer.
        ScopeMismatchError: if it holds states of another length, or stitches them for other agents.
    """
    check_kind("goals", goals, GoalBuffer)
    if isinstance(goals, GoalBuffer) and state_size not in (None, goals.state_size):
        raise ScopeMismatchError(
            f"the goal buffer holds states of {goals.state_size} dimensions, {whose} has {state_size}"
        )
    if isinstance(goals, StitchedGoals):
        goals.credit.check_fits(agents, num_actions, goals.state_size)


def check_alone(env: object, kind: type, does: str) -> None:
    """Check that no wrapper of this kind is inside already.

    Args:
        env: what is to be wrapped.
        kind: of wrapper.
        does: what it does, for the message.

    Raises:
        InvalidValueError: if there is one.
    """
    inner: object
    for inner in layers_of(env, kind):
        raise InvalidValueError(f"{type(inner).__name__} inside {does} already; leave one of the two out")


def begun(env: BatchEnv, step: BatchStep) -> BatchStep:
    """Return the step of a batched environment's reset, if its arrays are of the kind that its device stands for.

    Raises:
        UnsupportedEnvironmentError: naming the first that is not.
    """
    for field in fields(BatchStep):
        array = getattr(step, field.name)
        if array is not None and (wanted := missed(env.device, array)):
            raise UnsupportedEnvironmentError(
                f"{field.name} of {type(env).__name__} at the reset must be {wanted}, since its device is "
                f"{env.device!r}, got {type(array).__name__}"
            )
    return step


def check_on_host(thing: object) -> None:
    """Check that what a wrapper around a ``ParallelEnv`` is given holds NumPy's arrays.

    Args:
        thing: a goal buffer, or a reward; those of others know best what they take.

    Raises:
        InvalidValueError: if it was made for a torch device.
    """
    device: object = None
    if isinstance(thing, GoalBuffer | GoalReward):
        device = thing.device
    elif isinstance(thing, CountBonus | StateNovelty | ObservationNovelty):
        device = thing.counter.device
    if device is not None:
        raise InvalidValueError(
            f"{type(thing).__name__} was made for device {str(device)!r}; around a ParallelEnv it holds NumPy's "
            "arrays: leave device out"
        )
