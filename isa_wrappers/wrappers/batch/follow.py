"""Let a stack of batched wrappers continue with an extended scope."""

from __future__ import annotations

from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.border.layers import layers_of
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards.stitched import StitchedGoals
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.batch.goal_recording import GoalRecording
from isa_wrappers.wrappers.batch.goal_sampling import GoalSampling
from isa_wrappers.wrappers.batch.reward import RewardWrapper


def follow_scope(env: BatchEnv, scope: InfluenceScope | Credit) -> None:
    """Pass an extended scope, or credit made from it, to all rewards and stitched goals in a stack.

    Raises:
        InvalidValueError: if the stack samples goals, since the observation length would change under a policy, or if
            a reward cannot follow.
        ScopeMismatchError: if the scope was made for another environment.

    Example:
        >>> from isa_wrappers.envs import make_batch
        >>> from isa_wrappers.wrappers.batch import InfluenceCountBonus
        >>> small, large = (InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], x, x]}, 4) for x in ([], [0]))
        >>> env = InfluenceCountBonus(make_batch("grid/unlock", 1, num_agents=1), small)
        >>> follow_scope(env, large)
        >>> env.reward.counter.segments
        [[0, 1], []]
    """
    if next(layers_of(env, GoalSampling), None) is not None:
        raise InvalidValueError(
            "the observed goals depend on the dimensions of the scope, so a policy that sees them cannot follow it"
        )
    for payer in layers_of(env, RewardWrapper):
        payer.reward.follow(scope)
    for recording in layers_of(env, GoalRecording):
        if isinstance(recording.goals, StitchedGoals):
            recording.goals.follow(scope)
            recording.forget_arrivals()
