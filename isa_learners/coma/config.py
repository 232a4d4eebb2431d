"""Hyperparameters of COMA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_learners.settings import FixedShapes, OptimizerName, linear
from isa_wrappers.fields import Copies, Count, OneOf, Positive, Range, Share, Weight, check_fields

METRICS = ("policy_loss", "entropy", "actor_grad_norm", "critic_loss", "q_mean", "critic_grad_norm", "epsilon")
"""Metrics of an update; those of the critic are averaged over its gradient steps."""


@dataclass(frozen=True)
class ComaConfig:
    """Counterfactual policy gradients with a central critic (Foerster et al., 2018, arXiv 1705.08926).

    Attributes:
        num_envs: B, environments stepped together.
        rollout_steps: T, steps of every environment between updates.
        hidden: width of the actor.
        critic_width: width of the critic's two hidden layers.
        optimizer: optimiser of actor and critic: ``rmsprop`` or ``adam``.
        lr: learning rate of the actor, which takes one gradient step per rollout.
        critic_lr: learning rate of the critic.
        optimizer_eps: epsilon of both optimisers.
        gamma: discount factor.
        td_lambda: lambda of the returns that the critic is trained on.
        critic_steps: gradient steps of the critic per rollout, each on an equal part of its steps, the latest first; by
            default, and at most, one per time step.
        target_interval: gradient steps of the critic between updates of the target critic.
        epsilon_start: share of the uniform distribution in the policy at the start of a phase.
        epsilon_end: share of the uniform distribution after ``epsilon_steps``.
        epsilon_steps: environment steps over which epsilon falls linearly.
        entropy_factor: factor of the entropy bonus.
        max_grad_norm: maximum gradient norm of each network.
        reward: ``team`` gives all agents the mean of their rewards, ``own`` gives each its own.
        obs_scale: scaling factor of observations (including goals) and global states before they enter the networks.
        fixed_shapes: compute updates over all steps, including those of dead agents, in shapes known in advance, so
            that the host never waits for the device; ``auto`` does so only on CUDA. The learned result is the same.
    """

    num_envs: Copies = 8
    rollout_steps: Annotated[int, Range(1, 100_000)] = 60
    hidden: Annotated[int, Range(1, 2**14)] = 64
    critic_width: Annotated[int, Range(1, 2**14)] = 128
    optimizer: OptimizerName = "rmsprop"
    lr: Positive = 5e-4
    critic_lr: Positive = 5e-4
    optimizer_eps: Positive = 1e-5
    gamma: Share = 0.99
    td_lambda: Share = 0.8
    critic_steps: Annotated[int | None, Range(1, 100_000)] = None
    target_interval: Count = 200
    epsilon_start: Share = 0.5
    epsilon_end: Share = 0.01
    epsilon_steps: Count = 100_000
    entropy_factor: Weight = 0.0
    max_grad_norm: Positive = 10.0
    reward: Annotated[str, OneOf("team", "own")] = "team"
    obs_scale: Positive = 1.0
    fixed_shapes: FixedShapes = "auto"

    def __post_init__(self) -> None:
        check_fields(self)

    def epsilon(self, steps: int) -> float:
        """Return the share of the uniform distribution after ``steps`` environment steps.

        Example:
            >>> [round(ComaConfig().epsilon(steps), 3) for steps in (0, 50_000, 100_000, 10**6)]
            [0.5, 0.255, 0.01, 0.01]
        """
        return linear(self.epsilon_start, self.epsilon_end, steps / self.epsilon_steps)
