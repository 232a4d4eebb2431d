"""The intrinsic curiosity module (Pathak et al., 2017): the error of a forward model of learned features."""

from __future__ import annotations

import torch
from torch import Tensor

from isa_wrappers.errors import InvalidValueError, check_kind
from isa_wrappers.masks import masked_mean
from isa_wrappers.rewards.learned.base import LearnedReward, Sample, Step
from isa_wrappers.rewards.learned.moments import ReturnScale, RunningMoments
from isa_wrappers.rewards.learned.networks import mlp, multi_hot, seeded
from isa_wrappers.rewards.learned.rnd import normalised
from isa_wrappers.rewards.learned.settings import ICMConfig
from isa_wrappers.rewards.registry import RewardContext


class IntrinsicCuriosityModule(LearnedReward):
    """``eta / 2 * ||phi^(phi(o), a) - phi(o')||^2 / deviation of the returns``, separately for each agent.

    ``phi`` is trained with the forward model and an inverse model that predicts the action between two observations:
    ``(1 - beta) * L_inverse + beta * L_forward``.

    Args:
        context: sizes, device and seed.
        config: settings.

    Raises:
        InvalidValueError: if observations are empty, or the settings belong to another reward.

    Source: arXiv 1705.05363, Eq. 2 to 7.
    """

    name = "icm"
    parts = ("surprise",)
    needs_obs = True

    def __init__(self, context: RewardContext, config: ICMConfig | None = None) -> None:
        config = ICMConfig() if config is None else config
        check_kind("config", config, ICMConfig)
        super().__init__(context, config)
        if not context.obs_size:
            raise InvalidValueError("reward 'icm' needs observations, but those of the environment are empty")
        self._actions = actions = max(context.num_actions)
        hidden, features = config.hidden, config.features
        with seeded(context.seed, "icm"):
            encoder = mlp([context.obs_size, hidden, features])
            inverse = mlp([2 * features, hidden, actions])
            forward = mlp([features + actions, hidden, features])
        self.seen, self.scale = RunningMoments(context.obs_size, self.device), ReturnScale(config.gamma, self.device)
        self.saved = {"seen": self.seen, "scale": self.scale}
        self._set_networks({"encoder": encoder, "inverse": inverse, "forward_model": forward})

    def errors(self, before: Tensor, after: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the errors of both models.

        Args:
            before: observations before the actions, ``[..., O]``.
            after: observations after them, ``[..., O]``.
            actions: elementary actions, ``[..., d]``.

        Returns:
            ``[...]`` each: ``-log p(a | phi(o), phi(o'))``, the mean over components, and
            ``||phi^(phi(o), a) - phi(o')||^2 / 2``.
        """
        features = [self.networks["encoder"](self.seen.whiten(obs, self.config.clip)) for obs in (before, after)]
        logits = self.networks["inverse"](torch.cat(features, -1))
        log_probs = logits.log_softmax(-1).gather(-1, actions.clamp(0, self._actions - 1))
        multi_hot_actions = multi_hot(actions, self._actions)
        predicted = self.networks["forward_model"](torch.cat([features[0], multi_hot_actions], -1))
        forward: Tensor = (predicted - features[1]).square().sum(-1) / 2
        inverse: Tensor = -log_probs.mean(-1)
        return inverse, forward

    def _compute_parts(self, step: Step, update: bool) -> dict[str, Tensor]:
        if update:
            self.seen.update(step.next_obs.flatten(0, 1), step.alive.flatten())
        surprise = self.errors(step.obs, step.next_obs, step.actions)[1] * step.alive
        return {"surprise": self.config.eta * normalised(self, surprise, step.alive, update)}

    def _training_data(self, step: Step) -> Sample:
        rows = {"before": step.obs, "after": step.next_obs, "actions": step.actions, "weight": step.alive.float()}
        return {name: value.flatten(0, 1) for name, value in rows.items()}

    def _loss(self, sample: Sample) -> Tensor:
        inverse, forward = self.errors(sample["before"], sample["after"], sample["actions"])
        beta, weight = self.config.beta, sample["weight"]
        loss: Tensor = (1 - beta) * masked_mean(inverse, weight) + beta * masked_mean(forward, weight)
        return loss
