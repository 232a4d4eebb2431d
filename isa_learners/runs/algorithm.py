"""Algorithm 1 as a composition: estimate a scope; explore under Eq. 10; reach goals under Eq. 7.

The learner sees goals only as part of an observation, and intrinsic rewards only as a reward.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from isa_learners.checkpoint import global_generators, set_global_generators
from isa_learners.config import RunConfig
from isa_learners.runs.evaluation import Evaluation, evaluate
from isa_learners.ppo.learner import PPO
from isa_learners.rollout import Collector, InputEncoder
from isa_wrappers.arrays import backend, stream_seed, with_prefix, without_prefix
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.batch_wrappers import BatchCountBonus, BatchGoals, BatchRecorder
from isa_wrappers.envs import estimate_task_scope, make_batch
from isa_wrappers.envs.smax.install import jax_sees
from isa_wrappers.errors import DeviceError, FileFormatError, InvalidValueError
from isa_wrappers.rewards.goals import GoalBuffer, GoalProjection
from isa_wrappers.rewards import CountBonus, GoalReward
from isa_wrappers.scope.influence import InfluenceScope

EXPLORE, REACH, TRAIN = "explore", "reach", "train"
ENV_SEEDS = 2**31
"""Environments are seeded below this: many hand their seed to a generator that takes 32 bits."""


def resolve_device(device: str, env: str = "") -> str:
    """Turn ``auto`` into ``cuda`` where there is one and the task ``env`` can run there, else ``cpu``.

    Raises:
        DeviceError: if ``cuda`` is asked for and absent.
    """
    if device != "auto":
        backend(device)
        return device
    if not torch.cuda.is_available():
        return "cpu"
    if env.startswith("smax/") and not jax_sees("cuda"):
        warnings.warn("torch sees a GPU and JAX none, so on with the CPU; pip install 'jax[cuda12]'", stacklevel=2)
        return "cpu"
    return "cuda"


@dataclass
class Phase:
    """One phase of Algorithm 1: an environment as the learner sees it, and fresh policies in it.

    Attributes:
        name: ``explore``, ``reach`` or, for plain IPPO, ``train``.
        ppo: the learner.
        collector: the environment and what the next rollout starts from.
        recorder: the innermost wrapper, for the environment's own returns.
    """

    name: str
    ppo: PPO
    collector: Collector
    recorder: BatchRecorder


class Algorithm:
    """Runs the phases one iteration (a rollout and an update) at a time.

    Args:
        config: the run.
        scope: of the agents; needed for ``isa``, see :func:`scope_for`.
    """

    def __init__(self, config: RunConfig, scope: InfluenceScope | None) -> None:
        self.config, self.scope = config, scope
        self.device = resolve_device(config.device, config.env)
        first = self._make(1)
        if scope is not None:
            scope.check_fits(first.agents, first.num_actions, first.state_size)
            if not scope.agent_mask.any():
                raise InvalidValueError(
                    f"the scope is empty: delta is {scope.delta:g} and the largest information "
                    f"{scope.mutual_information.max():.2g}; choose scope.delta below that, or estimate otherwise"
                )
            self.projection = GoalProjection(scope, self.device)
        self.goals = GoalBuffer(first.state_size, config.goal.capacity, config.seed, self.device)
        self.env_steps = 0
        self._evaluation_envs: dict[int, BatchEnv] = {}
        self.phase = self._enter(EXPLORE if config.algo == "isa" else TRAIN)

    def _make(self, num_envs: int) -> BatchEnv:
        config = self.config
        rule = success_rule(config.success)
        return make_batch(config.env, num_envs, self.device, config.state_fallback, rule, **config.env_kwargs)

    def _enter(self, name: str) -> Phase:
        """Begin a phase with fresh policies, in fresh environments."""
        config = self.config
        seed = stream_seed(config.seed, name)  # each phase draws from streams of its own
        recorder = BatchRecorder(self._make(config.ppo.num_envs), self.goals)
        env: BatchEnv = recorder
        if name == EXPLORE:
            env = BatchCountBonus(recorder, CountBonus(self._known_scope(), config.count, self.device))
        elif name == REACH:
            reward = GoalReward(self._known_scope(), config.goal, self.device)
            env = BatchGoals(recorder, self.goals, self.projection, reward, seed)
        encoder = InputEncoder(env, config.ppo.obs_scale)
        ppo = PPO(encoder.size, encoder.num_actions, config.ppo, self.device, seed)
        generator = torch.Generator(device=self.device)
        generator.manual_seed(stream_seed(config.seed, name + " actions"))
        return Phase(name, ppo, Collector(env, ppo.actor, encoder, generator, seed % ENV_SEEDS), recorder)

    def _known_scope(self) -> InfluenceScope:
        if self.scope is None:
            raise InvalidValueError("algo 'isa' needs a scope, got None; estimate one with scope_for()")
        return self.scope

    def iterate(self) -> dict[str, float]:
        """Collect one rollout, learn from it, and enter the goal phase once enough episodes were won."""
        phase, config = self.phase, self.config
        rollout = phase.collector.collect(config.ppo.rollout_steps)
        self.env_steps += rollout.done.numel()
        phase.ppo.anneal(self.env_steps / config.steps)
        metrics, phase.collector.critic_hidden = phase.ppo.update(rollout)
        metrics["reward_mean"] = float(rollout.reward.mean())
        metrics["goals"] = float(len(self.goals))
        if phase.name == EXPLORE and len(self.goals) >= config.goal.first_goals:
            self.phase = self._enter(REACH)
        return metrics

    def evaluate(self, episodes: int, seed: int) -> Evaluation:
        """Play greedy episodes with goals from the buffer (without goals before there are any)."""
        env, _ = self.evaluation_env(episodes, seed)
        return evaluate(env, self.phase.ppo.actor, self.phase.collector.encoder, seed)

    def evaluation_env(self, num_envs: int, seed: int) -> tuple[BatchEnv, BatchEnv]:
        """Return the environment that evaluations play in, and what it wraps."""
        if num_envs not in self._evaluation_envs:
            self._evaluation_envs[num_envs] = self._make(num_envs)
        base = self._evaluation_envs[num_envs]
        if self.phase.name != REACH:
            return base, base
        return BatchGoals(base, self.goals, self.projection, reward=None, seed=seed), base

    def pursued(self, goal: Tensor) -> Tensor:
        """Return a goal ``[K]`` with NaN in the dimensions that no agent can move."""
        moved = torch.as_tensor(self._known_scope().agent_mask.any(axis=0), device=goal.device)
        return torch.where(moved, goal, torch.nan)

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and plain data from which :meth:`load_state_dict` goes on number for number."""
        phase = self.phase
        tensors = with_prefix("goals", self.goals.state_dict())
        tensors |= with_prefix("ppo", phase.ppo.state_dict())
        tensors |= with_prefix("collector", phase.collector.state_dict())
        tensors["noise"] = phase.collector.generator.get_state()
        meta = {"env": self.config.env, "device": self.device, "phase": phase.name, "env_steps": self.env_steps}
        return tensors, {**meta, "generators": global_generators()}

    def load_state_dict(self, tensors: dict[str, Tensor], meta: dict[str, Any], policy_only: bool = False) -> None:
        """Go on from what :meth:`state_dict` returned.

        Args:
            tensors: the first of what it returned.
            meta: the second.
            policy_only: restore networks and goals alone, enough to evaluate; the device may differ.

        Raises:
            FileFormatError: if it comes from another task or configuration.
            DeviceError: if it is to go on on another device than it was written on.
        """
        if meta.get("env") != self.config.env:
            raise FileFormatError(f"the checkpoint is of task {meta.get('env')!r}, this run of {self.config.env!r}")
        if not policy_only and meta.get("device") != self.device:
            raise DeviceError(
                f"the checkpoint was written on {meta.get('device')!r} and goes on there only; this is {self.device!r}"
            )
        try:
            goals = without_prefix("goals", tensors)
            if policy_only:
                del goals["rng"]
            self.goals.load_state_dict(goals)
            self.phase = self._enter(meta["phase"])
            if policy_only:
                self.phase.ppo.load_networks(without_prefix("ppo", tensors))
                self.env_steps = meta["env_steps"]
                return
            self.phase.ppo.load_state_dict(without_prefix("ppo", tensors), self.device)
            self.phase.collector.load_state_dict(without_prefix("collector", tensors))
            self.phase.collector.generator.set_state(tensors["noise"])
            self.env_steps = meta["env_steps"]
            set_global_generators(meta["generators"])
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            detail = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise FileFormatError(f"the checkpoint does not fit this run's configuration: {detail}") from error


def success_rule(text: str) -> str | float:
    """Read the rule a configuration names: a number is a return threshold, any other text a key of infos."""
    try:
        return float(text)
    except ValueError:
        return text


def scope_for(config: RunConfig) -> tuple[InfluenceScope, int]:
    """Estimate the scope of a run's environment; also the environment steps that took."""
    scope = estimate_task_scope(config.env, config.scope, config.seed, config.state_fallback, **config.env_kwargs)
    return scope, scope_steps(config, scope.num_agents)


def scope_steps(config: RunConfig, num_agents: int) -> int:
    """Count the environment steps that a run's scope takes."""
    return config.scope.transitions * num_agents if config.algo == "isa" else 0
