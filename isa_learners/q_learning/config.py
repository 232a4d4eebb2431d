"""Hyperparameters of recurrent Q-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_learners.settings import FixedShapes, OptimizerName, linear
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.fields import Copies, Count, Positive, Range, Share, check_fields

METRICS = ("td_loss", "q_mean", "target_mean", "q_grad_norm", "epsilon", "replay_episodes")
"""Metrics of an update, the first four averaged over its gradient steps; 0 while the replay is smaller than a batch."""

QMIX_WIDTHS = {"mixing_width": 32, "hypernet_width": 64}
"""Default widths of the mixer ``qmix`` (Rashid et al., 2018, and the settings published since)."""


@dataclass(frozen=True)
class QConfig:
    """Recurrent Q-learning with shared parameters over whole episodes (Sunehag et al., 2018; Rashid et al., 2018).

    Attributes:
        num_envs: B, environments stepped together.
        rollout_steps: T, steps of every environment between updates.
        replay: capacity of the replay in episodes, on the device; the oldest are dropped.
        episode_steps: length of the longest episode stored in one piece; longer ones are stored in several pieces, each
            treated as truncated. By default the environment's ``horizon``.
        batch: episodes per gradient step.
        updates: gradient steps per rollout.
        hidden: width of the network.
        optimizer: ``rmsprop`` or ``adam``.
        lr: learning rate.
        optimizer_eps: epsilon of the optimiser.
        gamma: discount factor.
        td_lambda: lambda of the returns that Q is trained on; 0 gives one-step targets.
        double_q: the online network chooses the actions that the target network values.
        target_interval: gradient steps between updates of the target network.
        epsilon_start: share of random actions at the start of a phase.
        epsilon_end: share of random actions after ``epsilon_steps``.
        epsilon_steps: environment steps over which epsilon falls linearly.
        max_grad_norm: maximum gradient norm of networks and mixer together.
        mixer: how the agents' values are combined: ``none`` keeps each agent's own value and reward, ``sum`` adds the
            values, ``qmix`` mixes them monotonically given the global state; or an entry of an installed package.
        mixing_width: width of the mixer ``qmix``, by default 32; refused with ``none`` and ``sum``.
        hypernet_width: width of the hypernetworks of the mixer ``qmix``, by default 64; 0 makes them linear. Refused
            with ``none`` and ``sum``.
        obs_scale: scaling factor of observations (including goals) and global states before they enter the networks.
        reward_scale: scaling factor of rewards.
        fixed_shapes: compute updates over all steps, including those of dead agents and padding, in shapes known in
            advance, so that the host never waits for the device; ``auto`` does so only on CUDA. The learned result is
            the same.
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
        smallest = self.num_envs * (self.rollout_steps + 2)
        if self.replay < smallest:  # a rollout of one-step episodes must not overwrite itself
            raise InvalidValueError(
                f"replay must be at least num_envs * (rollout_steps + 2) = {smallest}, got {self.replay}"
            )
        for name, default in QMIX_WIDTHS.items():
            value = getattr(self, name)
            if self.mixer in ("none", "sum") and value is not None:
                raise InvalidValueError(f"{name} needs mixer 'qmix', this run has {self.mixer!r}; got {value}")
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
