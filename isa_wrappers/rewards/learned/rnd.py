"""Random network distillation (Burda et al., 2018): the error of a predictor of a random network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from isa_wrappers.errors import InvalidValueError, check_kind
from isa_wrappers.masks import masked_mean
from isa_wrappers.rewards.learned.base import LearnedReward, Sample, Step
from isa_wrappers.rewards.learned.moments import ReturnScale, RunningMoments
from isa_wrappers.rewards.learned.networks import mlp, seeded
from isa_wrappers.rewards.learned.settings import RNDConfig
from isa_wrappers.rewards.registry import RewardContext


class Distillation:
    """A fixed random network, its predictor, and the moments that whiten their inputs.

    Args:
        size: length of an input, D.
        config: widths and the clipping limit.
        seed: seed of the initial weights.
        device: torch device.

    Attributes:
        networks: ``target`` and ``predictor``.
        seen: moments of the inputs.
    """

    def __init__(self, size: int, config: RNDConfig, seed: int, device: str) -> None:
        self.config, self.seen = config, RunningMoments(size, device)
        hidden, features = config.hidden, config.features
        with seeded(seed, "rnd"):
            target, predictor = mlp([size, hidden, features]), mlp([size, hidden, hidden, features])
        self.networks: dict[str, nn.Module] = {"target": target.requires_grad_(False), "predictor": predictor}

    def error(self, inputs: Tensor) -> Tensor:
        """Compute ``mean((f(x) - f^(x))^2)`` over features, of whitened inputs ``[..., D]``: ``[...]``."""
        return self._difference(inputs).square().mean(-1)

    def distance(self, inputs: Tensor) -> Tensor:
        """Compute ``norm(f(x) - f^(x))`` of whitened inputs ``[..., D]``: ``[...]``."""
        distance: Tensor = torch.linalg.vector_norm(self._difference(inputs), dim=-1)
        return distance

    def _difference(self, inputs: Tensor) -> Tensor:
        white = self.seen.whiten(inputs, self.config.clip)
        difference: Tensor = self.networks["target"](white) - self.networks["predictor"](white)
        return difference

    def loss(self, sample: Sample) -> Tensor:
        """Return the mean error over the rows of agents that acted."""
        return masked_mean(self.error(sample["inputs"]), sample["weight"])


class RandomNetworkDistillation(LearnedReward):
    """``||f(o') - f^(o')||^2 / deviation of the returns`` of whitened observations, or of states.

    Args:
        context: sizes, device and seed.
        config: settings.

    Source: arXiv 1810.12894.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.rewards import Transition
        >>> context = RewardContext(("a",), (2,), obs_size=2, state_size=1)
        >>> rnd = RandomNetworkDistillation(context, RNDConfig(warmup=1, interval=4, lr=0.01))
        >>> acted, none = np.ones((8, 1), dtype=bool), np.zeros((8, 1), dtype=np.float32)
        >>> seen = np.random.default_rng(0).normal(size=(8, 1, 2)).astype(np.float32)
        >>> step = Transition(None, None, seen, np.zeros((8, 1), int), none, acted, obs_t=seen)
        >>> first, *_, last = (float(rnd(step).total.mean()) for _ in range(200))
        >>> first, 0 < last < 0.1
        (0.0, True)
    """

    name = "rnd"
    parts = ("novelty",)
    needs_obs = True

    def __init__(self, context: RewardContext, config: RNDConfig | None = None) -> None:
        config = RNDConfig() if config is None else config
        check_kind("config", config, RNDConfig)
        super().__init__(context, config)
        self.needs_states, self.share = config.of == "state", config.share
        self.distillation = Distillation(input_size(context, config), config, context.seed, self.device)
        self.scale = ReturnScale(config.gamma, self.device)
        self.saved = {"seen": self.distillation.seen, "scale": self.scale}
        self._set_networks(self.distillation.networks)

    def _compute_parts(self, step: Step, update: bool) -> dict[str, Tensor]:
        _, inputs, acted = inputs_of(step, self.config)
        if update:
            self.distillation.seen.update(inputs.flatten(0, 1), acted.flatten())
        novelty = self.distillation.error(inputs) * acted
        return {"novelty": normalised(self, novelty, acted, update)}

    def _training_data(self, step: Step) -> Sample:
        return kept_inputs(step, self.config)

    def _loss(self, sample: Sample) -> Tensor:
        return self.distillation.loss(sample)


def input_size(context: RewardContext, config: RNDConfig) -> int:
    """Return the length of the input whose novelty is rewarded, D.

    Raises:
        InvalidValueError: if it is 0.
    """
    size, alternative = context.obs_size, "state"
    if config.of == "state":
        size, alternative = context.state_size, "observation"
    if not size:
        raise InvalidValueError(f"of must be {alternative!r} if the {config.of} is empty, got {config.of!r}")
    return size


def inputs_of(step: Step, config: RNDConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Return the inputs before and after a step, ``[N, R, D]`` each, and which of them count, ``[N, R]`` bool.

    R is A for observations, and 1 for states.
    """
    if config.of == "observation":
        return step.obs, step.next_obs, step.alive
    return step.state[:, None], step.next_state[:, None], step.alive.any(-1, keepdim=True)


def kept_inputs(step: Step, config: RNDConfig) -> Sample:
    """Return the training data of a step: ``inputs`` ``[N * R, D]`` and ``weight`` ``[N * R]``."""
    _, inputs, acted = inputs_of(step, config)
    return {"inputs": inputs.flatten(0, 1), "weight": acted.flatten().float()}


def normalised(reward: Any, paid: Tensor, acted: Tensor, update: bool) -> Tensor:
    """Divide by the running deviation of returns; return 0 during warm-up."""
    if update:
        reward.scale.update(paid, acted)
    scaled: Tensor = reward.scale(paid)
    return scaled if reward.calls >= reward.config.warmup else torch.zeros_like(scaled)
