"""Hyperparameters of PPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_learners.settings import FixedShapes
from isa_wrappers.errors import InvalidValueError, check_name, shown
from isa_wrappers.fields import Copies, Count, OneOf, Positive, Range, Share, Weight, check_fields

MOST_LAYERS = 32
METRICS = ("policy_loss", "entropy", "approx_kl", "clip_share", "actor_grad_norm", "value_loss", "critic_grad_norm")
"""Metrics of an update, each averaged over its gradient steps."""


@dataclass(frozen=True)
class PPOConfig:
    """PPO, by default recurrent with shared parameters (arXiv 2505.08630, appendix).

    Attributes:
        num_envs: B, environments stepped together.
        rollout_steps: T, steps of every environment between updates.
        buffer_rollouts: number of latest rollouts to learn from; ratios use the probabilities with which the actions
            were taken. 1 is plain PPO.
        epochs: passes over the buffer per update.
        minibatches: minibatches per pass; each holds part of the environments.
        network: network of actor and critic: ``gru``, ``lstm``, ``mlp`` (no memory), an entry of an installed package,
            or your own class as ``package.module:Class``.
        hidden: width of the network's recurrent layer, or of its last hidden layer if it has none.
        layers: widths of the layers before that one; empty means a single layer of width ``hidden``.
        lr: Adam's learning rate.
        adam_eps: Adam's epsilon.
        gamma: discount factor.
        gae_lambda: lambda of generalised advantage estimation.
        dead_lambda: lambda while an agent is dead. With 1, a reward of the team k steps after the agent's death counts
            gamma^k for it; by default it is ``gae_lambda``, so that the reward counts (gamma gae_lambda)^k.
        clip: clip range of the probability ratio and of the value.
        critic: what the critic sees: ``own`` is what its agent sees, ``state`` adds the global state (MAPPO).
        bonus_head: give the critic a separate head for the intrinsic reward, whose return continues across episodes, as
            in RND; needs an ``intrinsic`` reward that is added to the environment's.
        bonus_gamma: discount factor of that return.
        share_parameters: use one policy for all agents, which sees the agent's id; otherwise each agent has its own.
        sequential: update the agents' policies one after the other in random order, each with its advantage multiplied
            by the ratios of new to old probabilities of the agents before it (HAPPO); needs ``share_parameters`` false.
        critic_factor: factor of the value loss.
        huber: threshold of the Huber value loss, on normalised values; 0 uses the squared error.
        entropy_factor: factor of the entropy bonus.
        max_grad_norm: maximum gradient norm of each network.
        anneal_to: share of their initial values to which learning rate and entropy factor fall linearly over the run's
            ``steps``; 1 keeps them constant.
        obs_scale: scaling factor of observations (including goals) and of a critic's global states before they enter
            the networks.
        normalize_obs: normalise observations, goals and global states with their running mean and standard deviation;
            ``obs_scale`` then has no effect.
        fixed_shapes: compute updates over all steps, including those of dead agents, in shapes known in advance, so
            that the host never waits for the device; ``auto`` does so only on CUDA. The learned result is the same.
        bf16: run the networks in bfloat16 during updates; weights, losses, the optimiser and acting stay in float32.
    """

    num_envs: Copies = 8
    rollout_steps: Annotated[int, Range(1, 100_000)] = 60
    buffer_rollouts: Annotated[int, Range(1, 10_000)] = 4
    epochs: Annotated[int, Range(1, 10_000)] = 8
    minibatches: Count = 1
    network: str = "gru"
    hidden: Annotated[int, Range(1, 2**14)] = 12
    layers: Annotated[tuple[int, ...], Range(1, 2**14)] = ()
    lr: Positive = 5e-4
    adam_eps: Positive = 1e-5
    gamma: Share = 0.9
    gae_lambda: Share = 0.95
    dead_lambda: Annotated[float | None, Range(0.0, 1.0)] = None
    clip: Positive = 0.2
    critic: Annotated[str, OneOf("own", "state")] = "own"
    bonus_head: bool = False
    bonus_gamma: Share = 0.99
    share_parameters: bool = True
    sequential: bool = False
    critic_factor: Weight = 0.5
    huber: Weight = 0.0
    entropy_factor: Weight = 0.001
    max_grad_norm: Positive = 10.0
    anneal_to: Share = 1.0
    obs_scale: Positive = 1.0
    normalize_obs: bool = False
    fixed_shapes: FixedShapes = "auto"
    bf16: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        check_name("network", self.network)
        if not isinstance(self.layers, tuple) or len(self.layers) > MOST_LAYERS:
            raise InvalidValueError(f"layers must be a list of at most {MOST_LAYERS} widths, got {shown(self.layers)}")
        if self.sequential and self.share_parameters:
            raise InvalidValueError(
                "sequential must be False if all agents share one policy, got True; set share_parameters=false"
            )
        if self.minibatches > self.num_envs * self.buffer_rollouts:
            raise InvalidValueError(
                f"minibatches must be at most num_envs * buffer_rollouts = {self.num_envs * self.buffer_rollouts}, "
                f"got {self.minibatches}"
            )

    @property
    def imports(self) -> tuple[str, ...]:
        """Classes to import that a setting names as ``package.module:name``."""
        return (self.network,) if ":" in self.network else ()
