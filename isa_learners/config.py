"""Every hyperparameter of a run, frozen and checked; each default is written once, here or in isa_wrappers.config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from isa_wrappers.config import CountConfig, GoalConfig, ScopeConfig
from isa_wrappers.errors import InvalidValueError, check_choice, check_float, check_int

ALGORITHMS = {
    "isa": "Algorithm 1: scope, count exploration (Eq. 10), goal-conditioned policies (Eq. 7)",
    "ippo": "the same learner on the environment's reward alone",
}


DEFAULT_PRESET = "fast"


@dataclass(frozen=True)
class PPOConfig:
    """The recurrent PPO with shared parameters (arXiv 2505.08630, appendix).

    Attributes:
        num_envs: B, environments stepped together.
        rollout_steps: T, steps of every environment between updates.
        buffer_rollouts: rollouts kept and learned from; with old probabilities in the ratio. 1 is plain PPO.
        epochs: passes over the buffer an update.
        minibatches: parts of the buffer, by environments, a pass.
        hidden: width of actor and critic.
        lr: Adam's learning rate.
        adam_eps: Adam's epsilon.
        gamma: discount.
        gae_lambda: lambda of the advantages.
        clip: of the ratio and of the value.
        critic_factor: factor of the value loss.
        entropy_factor: factor of the entropy bonus.
        max_grad_norm: gradients of each network are clipped to this norm.
        anneal_to: learning rate and entropy factor fall linearly over the run's ``steps`` to this share of themselves;
            1 keeps them.
        obs_scale: observations (and goals in them) are multiplied by this before they enter the networks.
    """

    num_envs: int = 8
    rollout_steps: int = 60
    buffer_rollouts: int = 4
    epochs: int = 8
    minibatches: int = 1
    hidden: int = 12
    lr: float = 5e-4
    adam_eps: float = 1e-5
    gamma: float = 0.9
    gae_lambda: float = 0.95
    clip: float = 0.2
    critic_factor: float = 0.5
    entropy_factor: float = 0.001
    max_grad_norm: float = 10.0
    anneal_to: float = 1.0
    obs_scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("num_envs", "rollout_steps", "buffer_rollouts", "epochs", "minibatches", "hidden"):
            check_int(name, getattr(self, name), 1)
        if self.minibatches > self.num_envs * self.buffer_rollouts:
            raise InvalidValueError(
                f"minibatches must be at most num_envs * buffer_rollouts = {self.num_envs * self.buffer_rollouts}, "
                f"got {self.minibatches}"
            )
        for name in ("lr", "adam_eps", "max_grad_norm", "clip", "obs_scale"):
            check_float(name, getattr(self, name), 1e-12)
        for name in ("gamma", "gae_lambda", "anneal_to"):
            check_float(name, getattr(self, name), 0.0, 1.0)
        for name in ("critic_factor", "entropy_factor"):
            check_float(name, getattr(self, name), 0.0)


@dataclass(frozen=True)
class RunConfig:
    """A whole run, as ``config.yaml`` holds it.

    Attributes:
        env: task name.
        env_kwargs: options of the task.
        state_fallback: ``observations`` concatenates them where the environment has no ``state()``.
        success: how a ``ParallelEnv`` tells a won episode: a key of ``infos[agent]``, or a number that the team's mean
            return must reach.
        algo: ``isa`` or ``ippo``.
        preset: name of the preset the values came from.
        steps: environment steps in all, those of the scope included.
        seed: of everything.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: torch threads an operation on CPU.
        eval_interval: environment steps between evaluations.
        eval_episodes: greedy episodes an evaluation.
        checkpoint_interval: environment steps between writings of the latest checkpoint.
        stop_when_solved: end after ``SOLVED_EVALUATIONS`` evaluations in a row at ``SOLVED_RATE`` or better.
        scope: of the estimate.
        count: Eq. 10.
        goal: Eq. 7 and the goal buffer.
        ppo: the learner.
    """

    env: str
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    state_fallback: str | None = None
    success: str = "success"
    algo: str = "isa"
    preset: str = DEFAULT_PRESET
    steps: int = 2_100_000
    seed: int = 0
    device: str = "auto"
    threads: int = 1
    eval_interval: int = 10_000
    eval_episodes: int = 32
    checkpoint_interval: int = 10_000
    stop_when_solved: bool = False
    scope: ScopeConfig = field(default_factory=ScopeConfig)
    count: CountConfig = field(default_factory=CountConfig)
    goal: GoalConfig = field(default_factory=GoalConfig)
    ppo: PPOConfig = field(default_factory=PPOConfig)

    def __post_init__(self) -> None:
        check_env_kwargs(self.env_kwargs)
        check_choice("algo", self.algo, ALGORITHMS)
        if self.state_fallback is not None:
            check_choice("state_fallback", self.state_fallback, ("observations",))
        check_choice("device", self.device, ("auto", "cpu", "cuda"))
        for name in ("steps", "threads", "eval_interval", "eval_episodes", "checkpoint_interval"):
            check_int(name, getattr(self, name), 1)
        check_int("seed", self.seed, 0, 2**31 - 1)


def check_env_kwargs(kwargs: Mapping[str, Any]) -> None:
    """Check that options of a task are not those that a run fills in itself.

    Raises:
        InvalidValueError: naming the option.
    """
    for name in ("name", "num_envs", "device", "state_fallback", "success_rule"):
        if name in kwargs:
            raise InvalidValueError(f"options of the task cannot hold {name!r}: a run sets it; got {kwargs[name]!r}")


SOLVED_RATE = 0.9
SOLVED_EVALUATIONS = 3
