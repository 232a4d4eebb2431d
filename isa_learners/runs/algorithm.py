"""Training of an algorithm: its phases, one iteration (a rollout and an update) at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from isa_learners.algorithms import ALGORITHMS, PhaseContext, PhaseSpec
from isa_learners.checkpoint import global_generators, set_global_generators
from isa_learners.config import RunConfig
from isa_learners.rollout import Rollout
from isa_learners.runs.devices import resolve_device
from isa_learners.runs.evaluation import Evaluation, evaluate, unchanged_generators
from isa_learners.runs.finite import check_learned
from isa_learners.runs.following import following_scope, is_due, marked_steps, measured
from isa_learners.runs.making import (
    algorithm_metrics,
    check_saved,
    has_ended,
    make_collector,
    make_env,
    make_learner,
    make_shared,
    update_learner,
)
from isa_learners.runs.phases import Phase, check_composition, wrapped
from isa_learners.runs.scopes import credit_of
from isa_learners.runs.visits import Visits
from isa_wrappers.arrays import stream_seed, to_numpy, with_prefix, without_prefix
from isa_wrappers.batch import BatchEnv, BatchStep
from isa_wrappers.blame import ErrorSource
from isa_wrappers.border.start import close_env
from isa_wrappers.errors import FileFormatError, check_int, mismatch_text
from isa_wrappers.scope.following import FollowingScope
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers import batch


class Algorithm:
    """Runs an algorithm's phases one iteration at a time.

    Args:
        config: configuration of the run.
        scope: scope of the agents, if the algorithm needs one; see :func:`~isa_learners.runs.scopes.scope_for`.
        copies: number of environment copies of each phase, instead of its ``num_envs``.
        restored: whether :meth:`load_state_dict` follows and enters the phase.

    Attributes:
        scope: current scope; with ``probes.share`` it is updated during training.
        credit: credit derived from the scope by the credit rule.
        shared: objects shared by the phases, such as the goal buffer of ISA.
        visits: a sample of the states that each phase visited.
        env_steps: environment steps so far.
        phase: current phase.
        saved_env: saved state of the wrappers of the training environment, if only the policy was restored.

    Raises:
        InvalidValueError: if a scope is needed and it is ``None`` or empty.
        ScopeMismatchError: if the scope was estimated for another environment.
    """

    def __init__(
        self, config: RunConfig, scope: InfluenceScope | None, copies: int | None = None, restored: bool = False
    ) -> None:
        self.config, self.scope, self._copies, self._restored = config, scope, copies, restored
        self.spec = ALGORITHMS[config.algo]
        self.device = resolve_device(config.device, config.env)
        self._first = make_env(config, self.device, 1)
        close_env(self._first)  # needed only for its sizes
        self.credit = credit_of(config, scope, self._first)
        self.following = following_scope(config, scope, self._first)
        self.shared: dict[str, Any] = {}
        self.shared |= make_shared(self._start())
        self.visits = Visits(config.seed, self._first.state_size, self.spec.phase_names)
        self.env_steps = 0
        self._learning = False
        self._evaluation_envs: dict[int, BatchEnv] = {}
        self.saved_env: dict[str, Tensor] = {}
        self.phase: Phase
        if not restored:
            self.phase = self.enter(self.spec.phases[0].name)

    def check(self) -> None:
        """Check that the parts of the configuration fit together, including changes made during the run.

        Raises:
            ISAError: for the first problem found.
        """
        check_composition(self.config, self._first, self.device, restored=True)

    def _context(self, spec: PhaseSpec) -> PhaseContext:
        config = self.config
        seed = stream_seed(config.seed, spec.name)
        phase_config = config.for_phase(spec.name)
        return PhaseContext(
            phase_config, self._first, self.device, seed, self.scope, self.credit, self.shared, self._restored
        )

    def _start(self) -> PhaseContext:
        """Return the context for objects that outlive the phases: the first phase's, with the settings of the run."""
        return replace(self._context(self.spec.phases[0]), config=self.config)

    def enter(self, name: str, steps: int = 0) -> Phase:
        """Return a phase at its start, with new policies and new environments.

        Args:
            name: name of the phase.
            steps: environment steps after which the run resumes, so that an environment that cannot save its state
                does not repeat the random numbers of its start.
        """
        spec = self.spec.phases[self.spec.phase_names.index(name)]
        context = self._context(spec)
        settings = context.config.settings_of(self.config.learner)
        statistics = batch.EpisodeStatistics(make_env(self.config, self.device, self._copies or settings.num_envs))
        env = wrapped(context, spec, statistics)
        learner = make_learner(context, env)
        check_saved(context, env, learner)
        collector = make_collector(context, env, learner, name, steps, spec.probes and self.following is not None)
        return Phase(spec, context, learner, collector, statistics)

    def iterate(self) -> dict[str, float]:
        """Collect one rollout, learn from it, and enter the next phase if this one ends."""
        phase = self.phase
        settings = phase.context.config.settings_of(self.config.learner)
        with ErrorSource(f"stepping task {self.config.env!r}"):
            rollout = phase.collector.collect(settings.rollout_steps)
        before = self.env_steps
        self._learning = True  # an error before this is reset leaves an incomplete update
        self.env_steps += rollout.done.numel()
        metrics = update_learner(self.config, phase.learner, rollout, self.env_steps / self.config.steps)
        metrics = {**metrics, "reward_mean": float(rollout.reward.mean())}
        check_learned(metrics, rollout, phase.collector.env)
        self._learning = False
        self.visits.add(phase.name, rollout)
        metrics |= algorithm_metrics(phase.context)
        ends = has_ended(phase.spec, phase.context)
        if self.following is not None:
            if phase.spec.probes:
                self._follow(self.following, rollout, ends or is_due(self.config.probes.every, before, self.env_steps))
                # A scope that has just grown may change which goals can be stitched.
                ends = ends and has_ended(phase.spec, phase.context)
            metrics |= measured(self.following)
        if ends:
            following = self.spec.phase_names.index(phase.name) + 1
            self.phase = self.enter(self.spec.phase_names[following])
            close_env(phase.collector.env)
        return metrics

    def _follow(self, following: FollowingScope, rollout: Rollout, update: bool) -> None:
        """Add the probe steps of a rollout; if ``update``, update the scope from them and pass it on to the rewards."""
        following.add(marked_steps(rollout))
        if update and following.look(self.env_steps):
            self._take(following.scope)
            self.phase.context = replace(self.phase.context, scope=self.scope, credit=self.credit)
            if self.credit is not None:
                batch.follow_scope(self.phase.collector.env, self.credit)

    def _take(self, scope: InfluenceScope) -> None:
        """Use an updated scope from now on."""
        self.scope, self.credit = scope, credit_of(self.config, scope, self._first)

    def sound(self) -> bool:
        """Return whether training can resume from the current state: no update is incomplete, all weights are finite.

        This holds after an environment failed in a rollout or an evaluation. Visits and won states of the incomplete
        rollout are kept too.
        """
        learner = map(torch.as_tensor, self.phase.learner.state_dict().values())
        return not self._learning and all(bool(torch.isfinite(value).all()) for value in learner)

    def close(self) -> None:
        """Close every environment."""
        for env in (self.phase.collector.env, *self._evaluation_envs.values()):
            close_env(env)
        self._evaluation_envs.clear()

    def evaluate(self, episodes: int, seed: int, watch: Callable[[BatchStep], None] | None = None) -> Evaluation:
        """Play greedy episodes with the wrappers of the phase's evaluation; ``watch`` is called with every step."""
        with unchanged_generators():  # creating an environment may use them too
            env, _ = self.evaluation_env(episodes)
        config = self.config
        with ErrorSource(f"stepping task {config.env!r}"):
            return evaluate(env, self.phase.learner, seed, watch, config.eval_limit, f"learner {config.learner!r}")

    def evaluation_env(self, num_envs: int) -> tuple[BatchEnv, BatchEnv]:
        """Return the environment of evaluations, and the base environment inside it."""
        if num_envs not in self._evaluation_envs:
            self._evaluation_envs[num_envs] = make_env(self.config, self.device, num_envs)
        base = self._evaluation_envs[num_envs]
        with ErrorSource(f"algorithm {self.config.algo!r}"):
            return self.phase.spec.wrap_evaluation(self.phase.context, base), base

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and plain data from which :meth:`load_state_dict` resumes exactly."""
        phase = self.phase
        tensors: dict[str, Tensor] = {}
        for name, shared_object in self.shared.items():
            tensors |= with_prefix(f"shared.{name}", shared_object.state_dict())
        if self.following is not None:
            following_state = {name: torch.as_tensor(value) for name, value in self.following.state_dict().items()}
            tensors |= with_prefix("following", following_state)
        tensors |= with_prefix("visits", self.visits.state_dict())
        tensors |= with_prefix("learner", phase.learner.state_dict())
        tensors |= with_prefix("collector", phase.collector.state_dict())
        meta = {"env": self.config.env, "device": self.device, "phase": phase.name, "env_steps": self.env_steps}
        return tensors, {**meta, "generators": global_generators()}

    def load_state_dict(self, tensors: dict[str, Tensor], meta: dict[str, Any], policy_only: bool = False) -> None:
        """Restore a state from :meth:`state_dict`.

        Args:
            tensors: its tensors.
            meta: its plain data.
            policy_only: restore only networks and shared objects, which is enough to evaluate.

        Raises:
            FileFormatError: if the state belongs to another task or configuration.
        """
        if meta.get("env") != self.config.env:
            raise FileFormatError(f"the checkpoint is of task {meta.get('env')!r}, this run of {self.config.env!r}")
        try:
            if self.following is not None:
                following_state = without_prefix("following", tensors)
                self.following.load_state_dict({name: to_numpy(value) for name, value in following_state.items()})
                self._take(self.following.scope)
                # Shared objects may depend on the scope that they were saved with.
                self.shared |= make_shared(self._start())
            for name, shared_object in self.shared.items():
                shared_object.load_state_dict(without_prefix(f"shared.{name}", tensors))
            if not self._restored:
                close_env(self.phase.collector.env)
            self._restored = False
            self.env_steps = check_int("env_steps", meta["env_steps"], 0)
            self.phase = self.enter(meta["phase"], self.env_steps)
            self.phase.learner.load_state_dict(without_prefix("learner", tensors), policy_only)
            if policy_only:
                self.saved_env = without_prefix("collector.env", tensors)
            else:
                self.phase.collector.load_state_dict(without_prefix("collector", tensors))
                self.visits.load_state_dict(without_prefix("visits", tensors))
                set_global_generators(meta["generators"])
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise FileFormatError(
                f"the checkpoint does not fit this run's configuration: {mismatch_text(error)}"
            ) from error
