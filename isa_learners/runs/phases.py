"""Phases of a run: the environment as the learner sees it, and checks that its parts fit together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from isa_learners.algorithms import ALGORITHMS, PhaseContext, PhaseSpec
from isa_learners.config import RunConfig
from isa_learners.learner import Learner
from isa_learners.rollout import Collector
from isa_learners.runs.following import follows
from isa_learners.runs.making import check_suits, make_shared
from isa_learners.runs.scopes import credit_of, works_with_credit
from isa_wrappers.batch import BatchEnv
from isa_wrappers.blame import ErrorSource
from isa_wrappers.border.layers import layers_of
from isa_wrappers.errors import InvalidValueError, shown
from isa_wrappers.rewards import RewardContext, make_reward
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers import batch


@dataclass
class Phase:
    """A running phase: an environment as the learner sees it, and new policies in it.

    Attributes:
        spec: specification of the phase.
        context: context that it was created from.
        learner: learner that acts and learns.
        collector: the environment and the starting point of the next rollout.
        statistics: the innermost wrapper, for the environment's own returns.
    """

    spec: PhaseSpec
    context: PhaseContext
    learner: Learner
    collector: Collector
    statistics: batch.EpisodeStatistics

    @property
    def name(self) -> str:
        """Name of the phase."""
        return self.spec.name


def wrapped(context: PhaseContext, spec: PhaseSpec, env: BatchEnv) -> BatchEnv:
    """Return an environment as the learner of a phase sees it, with the run's intrinsic reward as innermost wrapper.

    Raises:
        InvalidValueError: if the phase does not return a batched environment.
    """
    config = context.config
    algorithm = ErrorSource(f"algorithm {config.algo!r}")
    with algorithm:
        env = spec.watch(context, env)
    if config.intrinsic is not None:
        reward_context = RewardContext.of(env, context.credit, context.seed)
        reward = make_reward(config.intrinsic, reward_context, config.sections.get(config.intrinsic))
        env = batch.RewardWrapper(env, reward, mode="add", factor=config.intrinsic_factor)
    with algorithm:
        wrapped_env = spec.wrap(context, env)
    if not isinstance(wrapped_env, BatchEnv):
        raise InvalidValueError(
            f"wrap of phase {spec.name!r} must return a batched environment, got {shown(wrapped_env)}"
        )
    return wrapped_env


def check_composition(config: RunConfig, env: BatchEnv, device: str, restored: bool = False) -> None:
    """Wrap one copy as in each phase, to find parts that do not fit together before any estimation.

    Args:
        config: configuration of the run.
        env: environment of the run.
        device: device of the run.
        restored: whether the run has a checkpoint and so no longer needs another run.

    Raises:
        ISAError: for the first problem found.
    """
    scope = credit = None
    if works_with_credit(config):
        scope = InfluenceScope.of_everything(env.agents, env.num_actions, env.state_size)
        credit = credit_of(config, scope, env)
    shared: dict[str, Any] = {}
    for spec in ALGORITHMS[config.algo].phases:
        context = PhaseContext(config.for_phase(spec.name), env, device, config.seed, scope, credit, shared, restored)
        start = replace(context, config=config)
        shared = shared or make_shared(start)
        context = replace(context, shared=shared)
        wrapped_env = wrapped(context, spec, env)
        _check_intrinsic(config, spec, wrapped_env)
        check_suits(context, wrapped_env)
        if spec.probes and follows(config) and credit is not None:
            batch.follow_scope(wrapped_env, credit)


def _check_intrinsic(config: RunConfig, spec: PhaseSpec, env: BatchEnv) -> None:
    """Check that an intrinsic reward, which is added to the environment's reward, reaches the learner."""
    payers = layers_of(env, batch.RewardWrapper) if config.intrinsic is not None else ()
    outer_payers = takewhile(lambda payer: not payer.adds, payers)
    if names := [payer.reward.name for payer in outer_payers if not payer.reward.keeps_env_reward]:
        raise InvalidValueError(
            f"intrinsic reward {config.intrinsic!r} would have no effect in phase {spec.name!r} of algorithm "
            f"{config.algo!r}: it is added to the environment's reward, which the phase's reward {names[0]!r} ignores; "
            "set its weight above 0 (count.beta2, goal.alpha2), or choose another algorithm"
        )
