"""ISA (arXiv 2505.08630, Algorithm 1): explore under Eq. 10 until episodes are won; reach won states under Eq. 7."""

from __future__ import annotations

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseContext, PhaseSpec
from isa_wrappers.batch import BatchEnv
from isa_wrappers.config import CountConfig, GoalConfig
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.rewards.stitched import StitchedGoals
from isa_wrappers.scope.credit import Credit
from isa_wrappers.wrappers import batch


def goal_buffer(context: PhaseContext) -> GoalBuffer:
    """Create the buffer B, which both phases fill and the second samples from."""
    config = context.config
    goal = config.goal
    if not goal.stitched:
        return GoalBuffer(context.env.state_size, goal.capacity, config.seed, context.device)
    scale = config.for_phase("explore").count.count_scale
    weight = config.for_phase("reach").goal.alpha1
    return StitchedGoals(credit_of(context), goal.capacity, config.seed, context.device, scale, weight)


def record(context: PhaseContext, env: BatchEnv) -> BatchEnv:
    """Record won states as goals; stitched goals need the environment's own reward."""
    return batch.GoalRecording(env, context.shared["goals"])


def explore(context: PhaseContext, env: BatchEnv) -> BatchEnv:
    """Reward rarely visited values in the dimensions that each agent can move (Eq. 10)."""
    return batch.InfluenceCountBonus(env, credit_of(context), context.config.count)


def goals_so_far(context: PhaseContext) -> tuple[str, int, int]:
    """Return the progress of exploration: ``|B|`` of ``L`` goals (stitched goals may end it sooner)."""
    return "goals", len(context.shared["goals"]), int(context.config.goal.first_goals)


def enough_goals(context: PhaseContext) -> bool:
    """Return whether ``|B| >= L``, or goals can be stitched."""
    goals: GoalBuffer = context.shared["goals"]
    return goals.ready(context.config.goal.first_goals)


def show_goals(context: PhaseContext, env: BatchEnv) -> BatchEnv:
    """Give each episode a goal from the buffer and show it to the agents."""
    goal: GoalConfig = context.config.goal
    return batch.GoalSampling(env, context.shared["goals"], credit_of(context), context.seed, goal.selector)


def reach(context: PhaseContext, env: BatchEnv) -> BatchEnv:
    """Reward progress towards the goal in the dimensions that each agent can move (Eq. 7)."""
    return batch.GoalSegmentReward(show_goals(context, env), credit_of(context), context.config.goal)


def credit_of(context: PhaseContext) -> Credit:
    """Return the run's credit.

    Raises:
        InvalidValueError: if there is no scope.
    """
    if context.credit is None:
        raise InvalidValueError("this algorithm needs a scope, got None; estimate one with scope_for()")
    return context.credit


ISA = AlgorithmSpec(
    description="Algorithm 1: scope, count exploration (Eq. 10), goal-conditioned policies (Eq. 7)",
    phases=(
        PhaseSpec("explore", explore, ends=enough_goals, progress=goals_so_far, probes=True, watch=record),
        PhaseSpec("reach", reach, wrap_evaluation=show_goals, watch=record),
    ),
    needs_scope=True,
    sections={"count": CountConfig, "goal": GoalConfig},
    whole_run={"goal": ("capacity", "stitched")},
    shared={"goals": goal_buffer},
    metrics={"goals": lambda context: float(len(context.shared["goals"]))},
)
