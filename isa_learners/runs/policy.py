"""The policy of a run for your own environment loop: observations in, actions out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isa_learners.learner import Memory
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.evaluation import unchanged_generators
from isa_learners.runs.external import ExternalBatch, ExternalTeam, batch_step
from isa_learners.runs.loading import load_algorithm
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.arrays import ENV_SEEDS, stream_seed, to_numpy
from isa_wrappers.batch import BatchEnv, BatchStep
from isa_wrappers.border.layers import layers_of
from isa_wrappers.checks import check_last, check_numbers
from isa_wrappers.errors import InvalidValueError, NonFiniteError, check_int, shown
from isa_wrappers.plain import plain
from isa_wrappers.wrappers.batch import GoalSampling


class RunPolicy:
    """The trained policy of a run; it keeps hidden states, last actions, goals and masks itself.

    It acts as in an evaluation of the run, with the same wrappers, goals and learner.

    Args:
        algorithm: trained algorithm of the run.
        seed: seed of goals and exploration, until :meth:`reset` sets another.

    Attributes:
        agents: names of the agents.
        phase: phase of the algorithm that the policy comes from.
        pursues_goals: whether each episode has a goal.
        goals: ``[M, K]`` won states of the run, one of which each episode pursues; M is 0 if there are none.
        task: batched environment of training, for sizes and names.
        learner: learner that acts.
        device: torch device of the policy.
        memory: memory of the learner for the next step.

    Example:
        Use the policy in your own loop::

            policy = load_policy("runs/first")
            observations, infos = env.reset(seed=0)
            policy.reset(seed=0)
            while env.agents:
                actions = policy.act({agent: observations[agent] for agent in env.agents}, infos)
                observations, rewards, terminations, truncations, infos = env.step(actions)
    """

    def __init__(self, algorithm: Algorithm, seed: int = 0) -> None:
        self._algorithm = algorithm
        self.task, self.device = algorithm.phase.context.env, algorithm.device
        self.learner, self.phase = algorithm.phase.learner, algorithm.phase.name
        self.agents = self.task.agents
        self.memory: Memory = {}
        self._team: ExternalTeam | None = None
        self._action: Tensor | None = None
        self._seed: int | None = None
        self._steps = 0
        self._set_num_envs(1)
        sampling = goals_in(self._seen)
        self.pursues_goals = sampling is not None
        self.goals = np.zeros((0, self.task.state_size)) if sampling is None else to_numpy(sampling.goals.states).copy()
        self.reset(seed)

    def _set_num_envs(self, num_envs: int) -> None:
        before = goals_in(getattr(self, "_seen", None))
        self._input_batch = ExternalBatch(self.task, num_envs, self.device)
        self._seen = self.seen_by_learner(self._input_batch)
        if before is not None and (sampling := goals_in(self._seen)) is not None:
            sampling.draw_on(before)

    def seen_by_learner(self, heard: ExternalBatch) -> BatchEnv:
        """Return an environment with the wrappers of the phase's evaluation."""
        return self._algorithm.phase.spec.wrap_evaluation(self._algorithm.phase.context, heard)

    def about(self) -> dict[str, Any]:
        """Return metadata of the policy as plain data."""
        config, task = self._algorithm.config, self.task
        return {
            "task": config.env,
            "algo": config.algo,
            "phase": self.phase,
            "env_steps": self._algorithm.env_steps,
            "agents": list(task.agents),
            "num_actions": list(task.num_actions),
            "action_names": plain("action_names", task.action_names),
            "state_names": list(task.state_names),
        }

    @property
    def goal(self) -> Any:
        """``[B, K]`` current goals, one per environment; ``None`` before the first action and without goals."""
        sampling = goals_in(self._seen) if self._steps else None
        return None if sampling is None or sampling.goal is None else to_numpy(sampling.goal)

    def reset(self, seed: int | None = None) -> None:
        """Start a new episode with the next observations: clear the memory and draw a new goal.

        Args:
            seed: seed of goals and exploration; an evaluation of one episode with this seed draws the same goal.
                Without a seed the random generators continue.

        Raises:
            InvalidValueError: for a seed that is not a non-negative integer.
        """
        if seed is not None:
            self._seed = check_int("seed", seed, 0, ENV_SEEDS - 1)
        elif self._steps:  # a seed that no episode has used yet stays valid
            self._seed = None
        self._steps = 0
        if sampling := goals_in(self._seen):
            sampling.pursue(None)
        if seed is not None:
            self._noise = torch.Generator(device=self.device)
            self._noise.manual_seed(stream_seed(seed, "policy"))

    def act(self, observations: Any, infos: Any = None, goal: Any = None, greedy: bool = True) -> Any:
        """Choose the next actions.

        Args:
            observations: observations by agent, of the agents that still act; or for B environments a
                :class:`~isa_wrappers.batch.BatchStep` or an array ``[B, A, O]`` like its ``obs``.
            infos: infos by agent from the environment; masks are read from ``"action_mask"`` in them or in the
                observation. With an array, a mapping with the optional entries ``"action_mask"`` ``[B, A, n]``,
                ``"alive"`` ``[B, A]`` and ``"done"`` ``[B]`` (the previous episode ended and these observations start
                the next one).
            goal: ``[K]``, or ``[B, K]`` with one goal per environment: state to reach instead of a state that the run
                has won, until the next :meth:`reset`.
            greedy: take the most likely or best action; otherwise sample as in training.

        Returns:
            Actions by agent, for each agent with an observation, in the environment's format. For a batch an array
            ``[B, A]``, or ``[B, A, d]`` for actions with several numbers, of the same array type as the observations.

        Raises:
            UnsupportedEnvironmentError: if an observation does not belong to the run's observation space.
            NonFiniteError: if an observation or the goal holds NaN or infinity.
            InvalidValueError: for arrays or goals of the wrong size, a goal for a policy without goals, or a different
                number of environments than before.
        """
        if not isinstance(observations, Mapping):
            step = batch_step(observations, infos, self.task, self.device)
            array = observations.obs if isinstance(observations, BatchStep) else observations
            action = self._decide(step, goal, greedy)
            return action.to(array.device) if isinstance(array, Tensor) else to_numpy(action)
        if not observations:  # the episode is over
            return {}
        if self._team is None:
            with unchanged_generators():
                self._team = ExternalTeam.of(self._algorithm.config, self.task)
        step = self._team.step(observations, infos, self._steps, self.device)
        return self._team.chosen(self._decide(step, goal, greedy)[0].tolist())

    def _decide(self, step: BatchStep, goal: Any, greedy: bool) -> Tensor:
        """Return the actions ``[B, A]`` or ``[B, A, d]`` and update the memory."""
        count, learner = len(step.obs), self.learner
        if count != self._input_batch.num_envs:
            if self._steps:
                raise InvalidValueError(
                    f"observations must be of {self._input_batch.num_envs} environments, as before, got {count}; call "
                    "reset() before changing the number"
                )
            self._set_num_envs(count)
        self._input_batch.now = step
        if goal is not None:
            self._pursue(goal)
        with torch.no_grad():
            if self._steps:
                learner_step = self._seen.step(self._action)
                memory = learner.forget(self.memory, learner_step.done)
            else:
                learner_step, memory = self._seen.reset(self._seed), learner.begin(count)
            decision = learner.act(learner_step, memory, None if greedy else self._noise)
        self.memory, self._action = decision.memory, decision.action
        self._steps += 1
        return decision.action

    def _pursue(self, goal: Any) -> None:
        sampling, count, size = goals_in(self._seen), self._input_batch.num_envs, self.task.state_size
        if sampling is None:
            raise InvalidValueError(
                f"phase {self.phase!r} of algorithm {self._algorithm.config.algo!r} pursues no goals: goal must be "
                f"left out, got {shown(goal)}"
            )
        goal_values = check_numbers("goal", goal)
        check_last("goal", goal_values, size)
        if goal_values.shape not in ((size,), (count, size)):
            raise InvalidValueError(
                f"goal must be an array of shape [{size}] or [{count}, {size}], got {[*goal_values.shape]}"
            )
        if not np.isfinite(goal_values).all():
            raise NonFiniteError(f"goal must be finite, got {shown(goal_values[~np.isfinite(goal_values)][0])} in it")
        sampling.pursue(torch.as_tensor(goal_values, dtype=sampling.goals.states.dtype, device=self.device))


def goals_in(env: Any) -> GoalSampling | None:
    """Return the wrapper that shows goals to the agents, or ``None``."""
    return next(layers_of(env, GoalSampling), None)


def load_policy(
    run: str | Path,
    best: bool = False,
    env: str | None = None,
    trust: bool = False,
    seed: int = 0,
    device: str | None = None,
) -> RunPolicy:
    """Load the policy of a finished or stopped run.

    Args:
        run: the run folder.
        best: use the checkpoint with the best evaluation instead of the latest.
        env: name of the run's custom environment (``module:factory``), which allows its import.
        trust: allow the import of any environment and network that the run names.
        seed: seed of goals and exploration.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; by default the device of the run.

    Raises:
        RunFolderError: if the folder holds no run.
        UntrustedRunError: if the run's environment is a custom one that was neither named nor trusted.
        FileFormatError: if the checkpoint is missing or cannot be read.
    """
    folder, threads = RunFolder.open(run, env, trust), torch.get_num_threads()
    try:
        with unchanged_generators():
            config = folder.config() if device is None else replace(folder.config(), device=device)
            algorithm, _ = load_algorithm(folder, best, policy_only=True, config=config)
            algorithm.close()  # the caller steps its own environments
            return RunPolicy(algorithm, seed)
    finally:
        torch.set_num_threads(threads)
