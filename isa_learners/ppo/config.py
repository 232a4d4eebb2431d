"""Hyperparameters of PPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_learners.settings import FixedShapes
from isa_wrappers.errors import InvalidValueError, check_name, shown
from isa_wrappers.fields import Copies, Count, OneOf, Positive, Range, Share, Weight, check_fields

MOST_LAYERS = 32
METRICS = ("policy_loss", "entropy", "approx_kl", "clip_share", "actor_grad_norm", "value_loss", "critic_grad_norm")
"""Of an update, each averaged over its gradient steps."""


@dataclass(frozen=True)
class PPOConfig:
    """PPO, by default recurrent and with shared parameters (arXiv 2505.08630, appendix).

    Attributes:
        num_envs: B, environments stepped together.
        rollout_steps: T, steps of every environment between updates.
        buffer_rollouts: rollouts kept and learned from; with old probabilities in the ratio. 1 is plain PPO.
        epochs: passes over the buffer per update.
        minibatches: parts of the buffer, by environments, per pass.
        network: of actor and critic: ``gru``, ``lstm``, ``mlp`` (no memory), one that a package brings, or a class of
            yours as ``package.module:Class``.
        hidden: width of the network's recurrent layer, or of the last one where it has none.
        layers: widths of the layers before that one; none stands for a single one of width ``hidden``.
        lr: Adam's learning rate.
        adam_eps: Adam's epsilon.
        gamma: discount.
        gae_lambda: lambda of the advantages.
        dead_lambda: lambda where the agent is dead: with 1 what the team earns k steps after its death is worth gamma^k
            to it; left open it is ``gae_lambda``, and (gamma gae_lambda)^k.
        clip: of the ratio and of the value.
        critic: what the critic sees: ``own`` is what its agent does, ``state`` the global state as well (MAPPO).
        bonus_head: the critic has a head of its own for the intrinsic reward, whose return goes on across episodes, as
            RND's does; needs an ``intrinsic`` reward that is added to the environment's.
        bonus_gamma: discount of that return.
        share_parameters: one policy for all agents, which tells them apart by their id; else one for each agent.
        sequential: the agents' policies are updated one after the other in random order, each advantage times the
            ratios of new and old probabilities of those before (HAPPO); needs ``share_parameters`` false.
        critic_factor: factor of the value loss.
        huber: error from which on the value loss grows linearly, of values normalised; 0 squares all errors.
        entropy_factor: factor of the entropy bonus.
        max_grad_norm: gradients of each network are clipped to this norm.
        anneal_to: learning rate and entropy factor fall linearly over the run's ``steps`` to this share of themselves;
            1 keeps them.
        obs_scale: observations (and goals in them) and a critic's global states are multiplied by this before they
            enter the networks.
        normalize_obs: observations, goals and global states are brought to mean 0 and deviation 1 by what was seen so
            far, and ``obs_scale`` has no effect.
        fixed_shapes: whether an update computes all steps, those of the dead too, in shapes known beforehand, so that
            the host never waits for the device: ``auto`` does on CUDA alone. What is learned is the same.
        bf16: updates run the networks in bfloat16; weights, losses and the optimiser stay float32, and so does acting.
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
                "sequential must be False where all agents share one policy, got True; set share_parameters=false"
            )
        if self.minibatches > self.num_envs * self.buffer_rollouts:
            raise InvalidValueError(
                f"minibatches must be at most num_envs * buffer_rollouts = {self.num_envs * self.buffer_rollouts}, "
                f"got {self.minibatches}"
            )

    @property
    def imports(self) -> tuple[str, ...]:
        """What would be imported because a setting names it by ``package.module:name``."""
        return (self.network,) if ":" in self.network else ()
