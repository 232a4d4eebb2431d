"""Hyperparameters of COMA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_learners.settings import FixedShapes, OptimizerName, linear
from isa_wrappers.fields import Copies, Count, OneOf, Positive, Range, Share, Weight, check_fields

METRICS = ("policy_loss", "entropy", "actor_grad_norm", "critic_loss", "q_mean", "critic_grad_norm", "epsilon")
"""Of an update; those of the critic averaged over its gradient steps."""


@dataclass(frozen=True)
class ComaConfig:
    """Counterfactual policy gradients with a central critic (Foerster et al., 2018, arXiv 1705.08926).

    Attributes:
        num_envs: B, environments stepped together.
        rollout_steps: T, steps of every environment between updates.
        hidden: width of the actor.
        critic_width: width of the critic's two hidden layers.
        optimizer: ``rmsprop`` or ``adam``, of actor and critic.
        lr: the actor's learning rate; it takes one gradient step a rollout.
        critic_lr: the critic's.
        optimizer_eps: the optimisers' epsilon.
        gamma: discount.
        td_lambda: lambda of the returns that the critic is trained towards.
        critic_steps: gradient steps of the critic per rollout, each on an equal part of its steps, the latest first; by
            default, and at most, one for each step in time.
        target_interval: gradient steps of the critic after which the target critic is set to it.
        epsilon_start: share of the uniform distribution in the policy at a phase's start.
        epsilon_end: the same once ``epsilon_steps`` are over.
        epsilon_steps: environment steps over which epsilon falls linearly.
        entropy_factor: factor of an entropy bonus.
        max_grad_norm: gradients of each network are clipped to this norm.
        reward: ``team`` gives all agents the mean of their rewards, ``own`` each its own.
        obs_scale: observations (and goals in them) and global states are multiplied by this before they enter networks.
        fixed_shapes: whether an update computes all steps, those of the dead too, in shapes known beforehand, so that
            the host never waits for the device: ``auto`` does on CUDA alone. What is learned is the same.
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
