"""Checks of a wrapper stack before goals or an intrinsic reward are added, for single and batched environments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from isa_wrappers.batch.own_steps import required_array
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
"""Modes of a reward wrapper for the environment's reward."""


def check_stack(
    env: object, reward: IntrinsicReward, inner: Iterable[IntrinsicReward], projection: GoalProjection | None
) -> None:
    """Check that a reward can be paid around ``env``.

    Args:
        env: the environment to wrap, for messages.
        reward: the reward to pay.
        inner: rewards that inner wrappers pay.
        projection: projection of the goals inside, or ``None`` without goals.

    Raises:
        InvalidValueError: if the stack already pays a reward of this name, or the reward needs goals but has none.
        ScopeMismatchError: if the observed goals have other dimensions than the reward.
    """
    kind = type(reward).__name__
    if any(other.name == reward.name for other in inner):
        raise InvalidValueError(
            f"an inner wrapper already pays the intrinsic reward {reward.name!r}; a second one would pay twice"
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
    source: str = "this environment",
) -> None:
    """Check that goals are states of the environment; a state size of ``None`` stands for an unknown one.

    Raises:
        InvalidValueError: if ``goals`` is not a goal buffer.
        ScopeMismatchError: if it contains states of another length, or stitches them for other agents.
    """
    check_kind("goals", goals, GoalBuffer)
    if isinstance(goals, GoalBuffer) and state_size not in (None, goals.state_size):
        raise ScopeMismatchError(
            f"the goal buffer contains states with {goals.state_size} dimensions, but {source} has {state_size}"
        )
    if isinstance(goals, StitchedGoals):
        goals.credit.check_fits(agents, num_actions, goals.state_size)


def check_alone(env: object, kind: type, does: str) -> None:
    """Check that the stack does not contain a wrapper of this kind yet.

    Args:
        env: the environment to wrap.
        kind: class of the wrapper.
        does: what the wrapper does, for the message.

    Raises:
        InvalidValueError: if there is one.
    """
    inner: object
    for inner in layers_of(env, kind):
        raise InvalidValueError(f"an inner {type(inner).__name__} already {does}; remove one of the two")


def checked_reset(env: BatchEnv, step: BatchStep) -> BatchStep:
    """Return the step of a batched environment's reset after checking that its arrays match the device.

    Raises:
        UnsupportedEnvironmentError: if an array does not; the message names the first.
    """
    for field in fields(BatchStep):
        array = getattr(step, field.name)
        if array is not None and (required := required_array(env.device, array)):
            raise UnsupportedEnvironmentError(
                f"{field.name} of {type(env).__name__} at the reset must be {required}, since its device is "
                f"{env.device!r}, got {type(array).__name__}"
            )
    return step


def check_on_host(thing: object) -> None:
    """Check that a goal buffer or a reward for a wrapper around a ``ParallelEnv`` uses NumPy arrays.

    Args:
        thing: a goal buffer or a reward; custom rewards are not checked.

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
            f"{type(thing).__name__} was made for device {str(device)!r}, but around a ParallelEnv it must use NumPy "
            "arrays; leave out device"
        )
