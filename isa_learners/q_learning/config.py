"""Hyperparameters of the recurrent Q-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_learners.settings import FixedShapes, OptimizerName, linear
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.fields import Copies, Count, Positive, Range, Share, check_fields

METRICS = ("td_loss", "q_mean", "target_mean", "q_grad_norm", "epsilon", "replay_episodes")
"""Of an update, the first four averaged over its gradient steps; 0 while the replay holds less than a batch."""

QMIX_WIDTHS = {"mixing_width": 32, "hypernet_width": 64}
"""Of the mixer ``qmix`` where nothing else is said (Rashid et al., 2018, and the settings made public since)."""


@dataclass(frozen=True)
class QConfig:
    """Recurrent Q-learning with shared parameters over whole episodes (Sunehag et al., 2018; Rashid et al., 2018).

    Attributes:
        num_envs: B, environments stepped together.
        rollout_steps: T, steps of every environment between updates.
        replay: episodes that the replay has room for, on the device; the oldest go.
        episode_steps: longest episode that is kept in one piece; one that is longer is kept in several, each as if cut
            off by time. By default the environment's ``horizon``.
        batch: episodes of a gradient step.
        updates: gradient steps per rollout.
        hidden: width of the network.
        optimizer: ``rmsprop`` or ``adam``.
        lr: its learning rate.
        optimizer_eps: its epsilon.
        gamma: discount.
        td_lambda: lambda of the returns that Q is trained towards; 0 is the one-step target.
        double_q: the live network chooses the actions that the target network values.
        target_interval: gradient steps after which the target network is set to the live one.
        epsilon_start: share of random actions at a phase's start.
        epsilon_end: the same once ``epsilon_steps`` are over.
        epsilon_steps: environment steps over which epsilon falls linearly.
        max_grad_norm: gradients of networks and mixer together are clipped to this norm.
        mixer: what makes one value of the agents' values: ``none`` leaves each agent its own (and its own reward),
            ``sum`` adds them up, ``qmix`` mixes them monotonically by the global state; or one of an installed package.
        mixing_width: width of the mixer ``qmix``, 32 where it is left open; of no meaning to others.
        hypernet_width: width of the networks that make its weights, 64 where it is left open; 0 makes them linear.
        obs_scale: observations (and goals in them) and global states are multiplied by this before they enter networks.
        reward_scale: rewards are multiplied by this.
        fixed_shapes: whether an update computes all steps, of the dead and of padding too, in shapes known beforehand,
            so that the host never waits for the device: ``auto`` does on CUDA alone. What is learned is the same.
    """

    num_envs: Copies = 8
    rollout_steps: Annotated[int, Range(1, 100_000)] = 60
    replay: Annotated[int, Range(1, 10**7)] = 5_000
    episode_steps: Annotated[int | None, Range(1, 10**6)] = None
    batch: Annotated[int, Range(1, 100_000)] = 32
    updates: Annotated[int, Range(1, 10_000)] = 8
    hidden: Annotated[int, Range(1, 2**14)] = 64
    optimizer: OptimizerName = "rmsprop"
    lr: Positive = 5e-4
    optimizer_eps: Positive = 1e-5
    gamma: Share = 0.99
    td_lambda: Share = 0.0
    double_q: bool = True
    target_interval: Count = 200
    epsilon_start: Share = 1.0
    epsilon_end: Share = 0.05
    epsilon_steps: Count = 50_000
    max_grad_norm: Positive = 10.0
    mixer: str = "none"
    mixing_width: Annotated[int | None, Range(1, 2**14)] = None
    hypernet_width: Annotated[int | None, Range(0, 2**14)] = None
    obs_scale: Positive = 1.0
    reward_scale: Positive = 1.0
    fixed_shapes: FixedShapes = "auto"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.batch > self.replay:
            raise InvalidValueError(f"batch must be at most replay = {self.replay}, got {self.batch}")
        least = self.num_envs * (self.rollout_steps + 2)
        if self.replay < least:  # a rollout of episodes of one step must not overtake itself
            raise InvalidValueError(
                f"replay must be at least num_envs * (rollout_steps + 2) = {least}, got {self.replay}"
            )
        for name, default in QMIX_WIDTHS.items():
            value = getattr(self, name)
            if self.mixer in ("none", "sum") and value is not None:
                raise InvalidValueError(f"{name} is of mixer 'qmix', this run's is {self.mixer!r}; got {value}")
            if self.mixer == "qmix" and value is None:
                object.__setattr__(self, name, default)

    def epsilon(self, steps: int) -> float:
        """Return the share of random actions after ``steps`` environment steps.

        Example:
            >>> config = QConfig(epsilon_steps=100)
            >>> [round(config.epsilon(steps), 3) for steps in (0, 50, 100, 10_000)]
            [1.0, 0.525, 0.05, 0.05]
        """
        return linear(self.epsilon_start, self.epsilon_end, steps / self.epsilon_steps)
