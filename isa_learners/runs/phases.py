"""A phase at work: an environment as its learner sees it, and what does not go together in one."""

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
from isa_wrappers.blame import Blamed
from isa_wrappers.border.layers import layers_of
from isa_wrappers.errors import InvalidValueError, shown
from isa_wrappers.rewards import RewardContext, make_reward
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers import batch


@dataclass
class Phase:
    """One phase at work: an environment as the learner sees it, and fresh policies in it.

    Attributes:
        spec: what it is.
        context: what it was made from.
        learner: who acts and learns.
        collector: the environment and what the next rollout starts from.
        statistics: the innermost wrapper, for the environment's own returns.
    """

    spec: PhaseSpec
    context: PhaseContext
    learner: Learner
    collector: Collector
    statistics: batch.EpisodeStatistics

    @property
    def name(self) -> str:
        """The phase's name."""
        return self.spec.name


def wrapped(context: PhaseContext, spec: PhaseSpec, env: BatchEnv) -> BatchEnv:
    """Return an environment as a phase's learner sees it, the intrinsic reward that the run names added inside.

    Raises:
        InvalidValueError: if the phase makes something else of it.
    """
    config = context.config
    algorithm = Blamed(f"algorithm {config.algo!r}")
    with algorithm:
        env = spec.watch(context, env)
    if config.intrinsic is not None:
        asked = RewardContext.of(env, context.credit, context.seed)
        reward = make_reward(config.intrinsic, asked, config.sections.get(config.intrinsic))
        env = batch.RewardWrapper(env, reward, mode="add", factor=config.intrinsic_factor)
    with algorithm:
        seen = spec.wrap(context, env)
    if not isinstance(seen, BatchEnv):
        raise InvalidValueError(f"wrap of phase {spec.name!r} must return a batched environment, got {shown(seen)}")
    return seen


def check_composition(config: RunConfig, env: BatchEnv, device: str, restored: bool = False) -> None:
    """Wrap one copy as each phase does, so that what does not go together is met before anything is estimated.

    Args:
        config: the run.
        env: its environment.
        device: that it runs on.
        restored: the run has a checkpoint, and needs no other run any more.

    Raises:
        ISAError: for the first mistake.
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
        seen = wrapped(context, spec, env)
        _check_intrinsic(config, spec, seen)
        check_suits(context, seen)
        if spec.probes and follows(config) and credit is not None:
            batch.follow_scope(seen, credit)


def _check_intrinsic(config: RunConfig, spec: PhaseSpec, seen: BatchEnv) -> None:
    """Check that what is added to the environment's reward reaches the learner."""
    payers = layers_of(seen, batch.RewardWrapper) if config.intrinsic is not None else ()
    outside = takewhile(lambda payer: not payer.adds, payers)
    if deaf := [payer.reward.name for payer in outside if not payer.reward.keeps_env_reward]:
        raise InvalidValueError(
            f"intrinsic reward {config.intrinsic!r} would pay nothing in phase {spec.name!r} of algorithm "
            f"{config.algo!r}: it is added to the environment's reward, which the phase's reward {deaf[0]!r} leaves "
            "out; give that a weight above 0 (count.beta2, goal.alpha2), or take another algorithm"
        )
