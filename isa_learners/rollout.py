"""Collection of rollouts: a learner steps a batched environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isa_learners.graphs.captured import Captured, graphs_on
from isa_learners.learner import Decision, Learner, Memory, ProbedLearner, RecordedLearner
from isa_learners.learner_checks import check_decision
from isa_learners.probes import Prober
from isa_learners.stacks import FixedStacks, Stacks
from isa_wrappers.arrays import restore_generator, with_prefix, without_prefix
from isa_wrappers.batch import BatchEnv, BatchStep
from isa_wrappers.batch.columns import obs_columns_of
from isa_wrappers.batch.protocol import action_code_of
from isa_wrappers.batch.wrapper import innermost, starts_afresh, tells_bonus
from isa_wrappers.blame import ErrorSource
from isa_wrappers.border import TeamCode
from isa_wrappers.errors import InvalidValueError


@dataclass(frozen=True)
class Sizes:
    """The properties of an environment that a learner needs.

    Attributes:
        num_agents: A.
        num_actions: n, maximum number of elementary actions of an agent.
        obs_size: O, including goals.
        state_size: K.
        code: code of actions with several numbers; ``None`` if each action is one number.
        horizon: steps until an episode is cut off; 0 if unknown.
        obs_columns: ``[A, O]`` meaning of each number of an observation, see
            :func:`~isa_wrappers.batch.columns.obs_columns_of`; ``None`` if all are the agent's own.
        bonus: whether steps have an intrinsic reward that was added to the environment's.
    """

    num_agents: int
    num_actions: int
    obs_size: int
    state_size: int
    code: TeamCode | None = None
    horizon: int = 0
    obs_columns: npt.NDArray[np.int64] | None = field(default=None, compare=False)
    bonus: bool = False

    @classmethod
    def of(cls, env: BatchEnv) -> Sizes:
        """Return the sizes of an environment."""
        code = action_code_of(env)
        sizes = len(env.agents), max(env.num_actions), env.obs_size, env.state_size
        return cls(*sizes, code, env.horizon, obs_columns_of(env), tells_bonus(env))


@dataclass
class Rollout:
    """T steps of B environments with A agents; time first.

    Attributes:
        final_obs: ``[T, B, A, O]`` after the step, before an automatic reset.
        state: ``[T, B, K]`` global state before the step, float32, or float64 if that of the environment is.
        final_state: ``[T, B, K]`` after the step, before an automatic reset.
        available: ``[T, B, A, n]`` bool.
        alive: ``[T, B, A]`` float, 1 where the agent acted.
        next_alive: ``[T, B, A]`` float, 1 where the agent is alive after the step, before an automatic reset.
        action: ``[T, B, A]`` int64; with an action code ``[T, B, A, d]`` float32.
        reward: ``[T, B, A]``.
        start: ``[T, B]`` bool, an episode starts at this step.
        terminated: ``[T, B]`` bool.
        done: ``[T, B]`` bool, terminated or truncated.
        cut: ``[T, B, A]`` bool, the agent alone was truncated in this step while the episode continued.
        record: ``[T, B, ...]`` each, values that the learner recorded in each step.
        memory: ``[B, ...]`` each, memory of the learner before the first step.
        probe: ``[T, B, A]`` bool, the action was a probe, drawn uniformly from the available ones.
        lost: ``[T, B]`` bool, the episode was lost in this step because its game or worker failed.
        bonus: ``[T, B, A]``, part of ``reward`` that is an added intrinsic reward; ``None`` without one.
    """

    final_obs: Tensor
    state: Tensor
    final_state: Tensor
    available: Tensor
    alive: Tensor
    next_alive: Tensor
    action: Tensor
    reward: Tensor
    start: Tensor
    terminated: Tensor
    done: Tensor
    cut: Tensor
    record: dict[str, Tensor]
    memory: Memory
    probe: Tensor
    lost: Tensor
    bonus: Tensor | None = None


class Collector:
    """Collects rollouts with an exploring learner; episodes continue from one rollout to the next.

    Args:
        env: batched environment on torch.
        learner: learner that acts.
        noise: generator for exploration.
        seed: seed of the environment.
        prober: draws probes for a :class:`~isa_learners.learner.ProbedLearner`; ``None`` for no probes.
        who: name of the learner in messages; by default its class.

    The learner's decisions are checked in the first rollout, or if steps are recorded, in the first step.
    """

    def __init__(
        self,
        env: BatchEnv,
        learner: Learner,
        noise: torch.Generator,
        seed: int | None,
        prober: Prober | None = None,
        who: str | None = None,
    ) -> None:
        self.env = env
        self.learner = learner
        self.noise = noise
        self.prober = prober
        self._blame = ErrorSource(who or f"learner {type(learner).__name__}")
        self._check_next = True
        self._begin(env.reset(seed))
        self._fixed_stacks = FixedStacks()
        self._captured = self._make_captured(learner)

    def _begin(self, step: BatchStep) -> None:
        self.current = step
        self.start = torch.ones(self.env.num_envs, dtype=torch.bool, device=step.reward.device)
        with self._blame:
            self.memory = self.learner.begin(self.env.num_envs)

    def _make_captured(self, learner: Learner) -> Captured | None:
        """Return a recorded step function, if environment and learner can be recorded."""
        if not graphs_on(str(self.start.device)) or not getattr(innermost(self.env), "recordable", False):
            return None
        if not isinstance(learner, RecordedLearner):
            return None
        return Captured(self._step_and_keep, [self, *learner.acting()], leave=(type(learner), Captured))

    def collect(self, steps: int) -> Rollout:
        """Take ``steps`` steps in every environment."""
        with torch.no_grad():
            if self._captured is None:
                return self._collect(steps)
            memory = {name: value.clone() for name, value in self.memory.items()}
            self._fixed_stacks.begin(steps)
            self._captured.repeat(steps)
            rows = self._fixed_stacks.stacked()
            return Rollout(**without_prefix("row", rows), record=without_prefix("record", rows), memory=memory)

    def _collect(self, steps: int) -> Rollout:
        rows = Stacks(steps)
        records = Stacks(steps)
        memory = self.memory
        for _ in range(steps):
            row, record = self._step()
            rows.add(row)
            records.add(record)
        self._check_next = False
        return Rollout(**rows.stacked(), record=records.stacked(), memory=memory)

    def _step_and_keep(self) -> None:
        row, record = self._step()
        self._check_next = False
        self._fixed_stacks.add(with_prefix("row", row) | with_prefix("record", record))

    def _step(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        now = self.current
        with self._blame:
            decision, probe = self._decide(now)
        if self._check_next:
            check_decision(self._blame.who, decision, now, self.env)
        step = self.env.step(decision.action)
        done = step.done
        row = {
            "final_obs": step.final_obs,
            "state": now.state,
            "final_state": step.final_state,
            "available": now.available,
            "alive": now.alive.float(),
            "next_alive": step.final_alive.float(),
            "action": decision.action,
            "reward": step.reward,
            "start": self.start,
            "terminated": step.terminated,
            "done": done,
            "cut": torch.zeros_like(now.alive) if step.cut is None else step.cut,
            "probe": probe,
            "lost": torch.zeros_like(done) if step.discarded is None else step.discarded,
        }
        if step.bonus is not None:
            row["bonus"] = step.bonus
        with self._blame:
            self.memory = self.learner.forget(decision.memory, done)
        self.start = done
        self.current = step
        return row, decision.record

    def _decide(self, now: BatchStep) -> tuple[Decision, Tensor]:
        """Return the decision, and ``[B, A]`` where actions are probes."""
        if self.prober is None:
            return self.learner.act(now, self.memory, self.noise), torch.zeros_like(now.alive)
        probes = self.prober(now)
        return cast("ProbedLearner", self.learner).act(now, self.memory, self.noise, probes), probes >= 0

    def state_dict(self) -> dict[str, Tensor]:
        """Return the starting point of the next rollout, including the environment."""
        env = {name: torch.as_tensor(value) for name, value in self.env.state_dict().items()}
        collector_state = {"start": self.start, "noise": self.noise.get_state()}
        if self.prober is not None:
            collector_state["probes"] = self.prober.get_state()
        state = collector_state | with_prefix("memory", self.memory) | with_prefix("env", env)
        # Recorded steps write into the existing tensors.
        return state if self._captured is None else {name: value.clone() for name, value in state.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore a saved state; episodes restart if the environment cannot save its state.

        Raises:
            InvalidValueError: if it was saved with another number of environments.
        """
        if len(state["start"]) != self.env.num_envs:
            raise InvalidValueError(f"it holds {len(state['start'])} environments, but num_envs is {self.env.num_envs}")
        restore_generator(self.noise, state["noise"])
        if self.prober is not None:
            self.prober.set_state(state["probes"])
        self._begin(self.env.load_state_dict(without_prefix("env", state)))
        if not starts_afresh(self.env):
            device = self.start.device
            self.start = state["start"].to(device)
            self.memory = {name: value.to(device) for name, value in without_prefix("memory", state).items()}
