"""LAIES (Liu et al., ICML 2023): a reward for influence on the external state and for its changes."""

from __future__ import annotations

from fnmatch import fnmatchcase

import torch
from torch import Tensor

from isa_wrappers.errors import InvalidValueError, check_kind, nearest, shown
from isa_wrappers.rewards.learned.base import LearnedReward, Sample, Step
from isa_wrappers.rewards.learned.networks import seeded
from isa_wrappers.rewards.learned.predictor import InfluencePredictor, influences
from isa_wrappers.rewards.learned.settings import SCOPE, LAIESConfig
from isa_wrappers.rewards.registry import RewardContext

PER_CHANGE = 100.0
"""Divisor of the clipped changes of the external state."""


class LAIESReward(LearnedReward):
    """``min(beta1 * sum_i IDI_i + beta2 * CDI, clip)``, the same for every agent that acted, annealed during training.

    IDI is the effect of agent i's action on the predicted change of the external state, relative to the mean over its
    available actions; CDI is the squared actual change.

    Args:
        context: sizes, state names, device and seed; also credit if the external state is ``scope``.
        config: settings; ``external`` is required.

    Attributes:
        external: dimensions of the external state.
        steps: environment steps so far.
        annealed_from: step at which annealing began; -1 before.

    Raises:
        InvalidValueError: if no external state is given, it does not exist, or the scope has no common segment.

    Source: Liu et al., Lazy Agents, ICML 2023; details follow the published code.
    """

    name = "laies"
    parts = ("collective", "individual")
    needs_available = True
    needs_states = True

    def __init__(self, context: RewardContext, config: LAIESConfig | None = None) -> None:
        config = LAIESConfig() if config is None else config
        check_kind("config", config, LAIESConfig)
        super().__init__(context, config)
        self.max_grad_norm = config.max_grad_norm
        if config.external == SCOPE:
            self.credit = context.credit
        self.external = external_dimensions(config, context)
        self.steps, self.annealed_from = 0, -1
        self._dims = torch.tensor(self.external, device=self.device)
        self._hidden = self._before = torch.zeros(0, config.hidden, device=self.device)
        self._evaluation_hidden: Tensor | None = None
        agents, actions = len(context.agents), max(context.num_actions)
        has_action = torch.arange(actions) < torch.tensor(context.num_actions)[:, None]
        self._has_action = has_action.to(self.device)
        with seeded(context.seed, "laies"):
            sizes = context.state_size, agents, actions, config.hidden, len(self.external)
            self.predictor = InfluencePredictor(*sizes, component_of(context, actions))
        self._set_networks({"predictor": self.predictor})
        self.saved = {"progress": _Progress(self)}

    def _compute_parts(self, step: Step, update: bool) -> dict[str, Tensor]:
        config = self.config
        fresh = self._started(step)
        hidden = self._hidden
        if not update and self._evaluation_hidden is not None and len(self._evaluation_hidden) == len(fresh):
            hidden = self._evaluation_hidden
        if hidden.shape[0] != fresh.shape[0]:  # the number of environments has changed
            hidden = hidden.new_zeros(fresh.shape[0], config.hidden)
        before = hidden * ~fresh[:, None]
        embedded = self.predictor.embed(self._scaled_state(step), step.actions, step.alive)
        change, after = self.predictor(embedded, before)
        counterfactual = self.predictor.counterfactual(embedded, step.actions, before)
        available = self._has_action if step.available is None else step.available & self._has_action
        influence = influences(change, counterfactual, available.expand(*step.alive.shape, -1))
        individual = (influence.clamp(max=config.idi_clip) * step.alive).sum(-1, keepdim=True) * config.beta1
        squared_change = self._external_change(step).square().sum(-1, keepdim=True).clamp(max=config.cdi_clip)
        collective = squared_change.float() / PER_CHANGE * config.beta2
        total = individual + collective
        share = self._weight() * total.clamp(max=config.clip) / torch.where(total > 0, total, 1.0)
        self._evaluation_hidden = None if update else after  # evaluation has its own memory
        if update:
            self._before, self._hidden = before, after
            self.steps += fresh.shape[0]
        return {"collective": share * collective, "individual": share * individual}

    def _scaled_state(self, step: Step) -> Tensor:
        """Return the scaled state ``[N, K]``, the input of the predictor."""
        scaled: Tensor = step.state.float() * self.config.scale
        return scaled

    def _external_change(self, step: Step) -> Tensor:
        """Return the scaled change of the external state ``[N, E]``, in the dtype of the states."""
        change: Tensor = (step.next_state - step.state)[:, self._dims] * self.config.scale
        return change

    def _weight(self) -> float:
        """Return the annealing factor of the reward."""
        if self.annealed_from < 0 or not self.config.anneal_steps:
            return 1.0
        return float(max(1.0 - 0.5 * (self.steps - self.annealed_from) / self.config.anneal_steps, 0.0))

    def _training_data(self, step: Step) -> Sample:
        return {
            "state": self._scaled_state(step),
            "actions": step.actions,
            "change": self._external_change(step).float(),
            "fresh": step.start,
            "acted": step.alive,
            "hidden": self._before,
            "reward": (step.reward * step.alive).sum(-1) / step.alive.sum(-1).clamp(min=1),
        }

    def _learn(self, held: Sample) -> None:
        """Take ``epochs`` gradient steps on the whole sequence, with its initial hidden state fixed."""
        for _ in range(self.config.epochs):
            self._gradient_step(self.stretch_loss(held))
        if self.annealed_from < 0 and float(held["reward"].mean()) > 0:
            self.annealed_from = self.steps

    def stretch_loss(self, held: Sample) -> Tensor:
        """Compute the squared error of the predicted change, averaged over steps ``[T, N]``."""
        embedded = self.predictor.embed(held["state"], held["actions"], held["acted"])
        hidden = held["hidden"][0]
        changes = []
        for t, step_embedding in enumerate(embedded):
            change, hidden = self.predictor(step_embedding, hidden * ~held["fresh"][t][:, None])
            changes.append(change)
        error = (torch.stack(changes) - held["change"]).square().sum(-1)
        acted = held["acted"].any(-1).float()
        return (error * acted).sum() / acted.sum().clamp(min=1.0)


class _Progress:
    """Saved state of LAIES besides its network: hidden states, number of steps, start of annealing."""

    def __init__(self, reward: LAIESReward) -> None:
        self.reward = reward

    def state_dict(self) -> dict[str, Tensor]:
        reward = self.reward
        return {"hidden": reward._hidden, "steps": torch.tensor([reward.steps, reward.annealed_from])}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.reward._hidden = state["hidden"]
        self.reward._evaluation_hidden = None
        self.reward.steps, self.reward.annealed_from = (int(number) for number in state["steps"])


def external_dimensions(config: LAIESConfig, context: RewardContext) -> list[int]:
    """Return the sorted dimensions of the external state.

    Raises:
        InvalidValueError: if none is given, a number or name does not exist, or the scope has no common segment.

    Example:
        >>> context = RewardContext(("a",), (2,), 1, 3, state_names=("a.x", "door.x", "door.y"))
        >>> external_dimensions(LAIESConfig(external=("door.*",)), context)
        [1, 2]
    """
    size = context.state_size
    names = context.state_names
    external = config.external
    if external is None:
        raise InvalidValueError(
            "intrinsic reward 'laies' needs an external state: set laies.external=scope, or pass dimensions by "
            f"number (0 to {size - 1}) or name{_examples(names)}, got None"
        )
    if external == SCOPE:
        common = list(context.credit.common_dims) if context.credit is not None else []
        if not common:
            raise InvalidValueError(
                "laies.external=scope needs a scope with a common segment, but this one has none; pass dimensions by "
                f"number (0 to {size - 1}) or name{_examples(names)}"
            )
        return common
    dimensions: set[int] = set()
    for part in (external,) if isinstance(external, int | str) else external:
        matches = [part] if isinstance(part, int) and 0 <= part < size else []
        if isinstance(part, str):
            matches = [k for k, name in enumerate(names) if fnmatchcase(name, part)]
        if not matches:
            offer = nearest(part, names) if isinstance(part, str) else ""
            raise InvalidValueError(
                f"laies.external must be {SCOPE!r}, numbers from 0 to {size - 1} or names of state dimensions"
                f"{_examples(names)}, got {shown(part)}{offer}"
            )
        dimensions.update(matches)
    return sorted(dimensions)


def _examples(names: tuple[str, ...]) -> str:
    return f" (such as {names[-1]})" if names else " (this environment has no names)"


def component_of(context: RewardContext, actions: int) -> Tensor:
    """Return ``[A, n]``: the component that each elementary action belongs to; 0 for plain numbers."""
    component = torch.zeros(len(context.agents), actions, dtype=torch.int64)
    code = context.action_code
    if code is not None:
        offset = torch.as_tensor(code.table.offset)[..., None]
        has_component = torch.as_tensor(code.table.exists)[..., None]
        component = ((offset <= torch.arange(actions)) & has_component).sum(1) - 1
    return component
