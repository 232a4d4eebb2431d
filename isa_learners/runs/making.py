"""Creation of the parts of a run, with checks of what registered learners, algorithms and rewards return."""

from __future__ import annotations

from typing import Any

import torch

from isa_learners.algorithms import ALGORITHMS, PhaseContext, PhaseSpec
from isa_learners.algorithms.spec import Saved
from isa_learners.config import RunConfig
from isa_learners.learner import LEARNERS, Learner
from isa_learners.learner_checks import check_members, check_metrics, check_state
from isa_learners.probes import Prober
from isa_learners.rollout import Collector, Rollout, Sizes
from isa_learners.runs.config_keys import parts_of
from isa_learners.runs.finite import as_number
from isa_wrappers.arrays import ENV_SEEDS, stream_seed
from isa_wrappers.batch import BatchEnv
from isa_wrappers.blame import ErrorSource
from isa_wrappers.border.layers import layers_of
from isa_wrappers.border.success import success_rule
from isa_wrappers.envs import make_batch
from isa_wrappers.envs.foreign_errors import foreign_place
from isa_wrappers.errors import InvalidValueError, ISAError
from isa_wrappers.wrappers.batch import RewardWrapper


def make_env(config: RunConfig, device: str, num_envs: int) -> BatchEnv:
    """Create copies of a run's environment."""
    return make_batch(
        config.env,
        num_envs,
        device,
        config.state_fallback,
        success_rule(config.success),
        config.workers,
        config.features,
        **config.env_kwargs,
    )


def make_collector(
    context: PhaseContext, env: BatchEnv, learner: Learner, phase: str, steps: int, probes: bool
) -> Collector:
    """Create the collector of a phase, with separate random generators for actions, environment and probes.

    Args:
        context: context of the phase.
        env: environment of the phase.
        learner: learner that acts.
        phase: name of the phase.
        steps: environment steps after which the run continues; 0 at its start.
        probes: whether to mark some steps as probes.
    """
    config, device = context.config, context.device
    noise = torch.Generator(device=device)
    noise.manual_seed(stream_seed(config.seed, phase + " actions"))
    seed = stream_seed(config.seed, f"{phase} from {steps}") if steps else context.seed
    marked = stream_seed(config.seed, phase + " probes")
    prober = Prober(config.probes.share, marked, device) if probes else None
    return Collector(env, learner, noise, seed % ENV_SEEDS, prober, f"learner {config.learner!r}")


def make_shared(start: PhaseContext) -> dict[str, Any]:
    """Create the objects that the phases of a run share.

    Raises:
        InvalidValueError: if an object cannot be saved.
    """
    algo = start.config.algo
    with ErrorSource(f"algorithm {algo!r}"):
        shared = {name: make(start) for name, make in ALGORITHMS[algo].shared.items()}
    for name, shared_object in shared.items():
        check_members(f"shared {name!r} of algorithm {algo!r}", shared_object, Saved)
    return shared


def make_learner(context: PhaseContext, env: BatchEnv) -> Learner:
    """Create the learner of a phase.

    Raises:
        InvalidValueError: if it is not a valid learner.
    """
    config = context.config
    parts = {part: config.settings_of(part) for part in ALGORITHMS[config.algo].parts}
    make, settings = LEARNERS[config.learner].make, config.settings_of(config.learner)
    with ErrorSource(f"learner {config.learner!r}"):
        learner = make(Sizes.of(env), settings, context.device, context.seed, **parts)
    check_members(f"learner {config.learner!r}", learner, Learner)
    return learner


def check_suits(context: PhaseContext, env: BatchEnv) -> None:
    """Check that the run's learner can learn in the environment of a phase.

    Raises:
        InvalidValueError: if the learner refuses it with a ``ValueError`` or a ``TypeError``.
    """
    config, who = context.config, f"learner {context.config.learner!r}"
    try:
        with ErrorSource(who):
            LEARNERS[config.learner].check(Sizes.of(env), config.settings_of(config.learner), context.device)
    except ISAError:
        raise
    except (TypeError, ValueError) as error:
        place = foreign_place(error)
        raise InvalidValueError(f"{who}: {error}" + (f" ({place})" if place is not None else "")) from error


def check_saved(context: PhaseContext, env: BatchEnv, learner: Learner) -> None:
    """Check at the start of a phase that its state can be saved, so that the first checkpoint does not fail.

    Raises:
        InvalidValueError: naming the part whose state cannot be saved.
    """
    algo, learner_name = context.config.algo, context.config.learner
    with ErrorSource(f"learner {learner_name!r}"):
        check_state(f"learner {learner_name!r}", learner.state_dict())
    for name, shared_object in context.shared.items():
        with ErrorSource(f"algorithm {algo!r}"):
            check_state(f"shared {name!r} of algorithm {algo!r}", shared_object.state_dict())
    for payer in layers_of(env, RewardWrapper):
        with ErrorSource(who := f"intrinsic reward {payer.reward.name!r}"):
            check_state(who, payer.reward.state_dict())


def update_learner(config: RunConfig, learner: Learner, rollout: Rollout, progress: float) -> dict[str, float]:
    """Update a run's learner, given the share of steps done, and return its metrics.

    Raises:
        InvalidValueError: if the metrics are not those that its spec and its parts declare.
    """
    with ErrorSource(f"learner {config.learner!r}"):
        learner.set_progress(progress)
        metrics = learner.learn(rollout)
    of_parts = [name for part in parts_of(config.algo, config.learner).values() for name in part.metrics]
    check_metrics(f"learner {config.learner!r}", metrics, [*LEARNERS[config.learner].metrics, *of_parts])
    return metrics


def algorithm_metrics(context: PhaseContext) -> dict[str, float]:
    """Return the metrics of an algorithm.

    Raises:
        InvalidValueError: if one is not a number.
    """
    algo = context.config.algo
    with ErrorSource(f"algorithm {algo!r}"):
        return {name: as_number(name, measure(context)) for name, measure in ALGORITHMS[algo].metrics.items()}


def has_ended(spec: PhaseSpec, context: PhaseContext) -> bool:
    """Return whether the phase has ended."""
    with ErrorSource(f"algorithm {context.config.algo!r}"):
        return spec.ends is not None and spec.ends(context)
