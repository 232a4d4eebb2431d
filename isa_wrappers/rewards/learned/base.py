"""Base class of the learned rewards: transitions as rows, periodic updates, saving."""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from isa_wrappers.arrays import Array, restore_generator, stream_seed, to_numpy, with_prefix, without_prefix
from isa_wrappers.checks import check_last, check_transition
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards.base import IntrinsicReward, RewardParts
from isa_wrappers.rewards.registry import RewardContext
from isa_wrappers.rewards.transition import Transition

Sample = dict[str, Tensor]


class Step(NamedTuple):
    """A transition as network input: N environments, on the device of the reward.

    Attributes:
        state: state before the actions, ``[N, K]``; ``None`` if the reward reads no states.
        next_state: state after them, ``[N, K]``.
        obs: observations before the actions, ``[N, A, O]``; ``None`` if the reward reads no observations.
        next_obs: observations after them, ``[N, A, O]``.
        actions: elementary actions with d components each, ``[N, A, d]``.
        reward: reward of the environment, ``[N, A]``.
        alive: whether each agent acted, ``[N, A]`` bool.
        start: whether an episode starts with this step, ``[N]`` bool.
        available: available actions, ``[N, A, n]`` bool, or ``None``.
    """

    state: Any
    next_state: Any
    obs: Any
    next_obs: Any
    actions: Tensor
    reward: Tensor
    alive: Tensor
    start: Any
    available: Any


class Stateful(Protocol):
    """An object with a state of tensors."""

    def state_dict(self) -> Any:
        """Return the state."""
        ...

    def load_state_dict(self, state: Any) -> Any:
        """Restore the state."""
        ...


class LearnedReward(IntrinsicReward):
    """Base class of rewards with networks: a subclass defines the reward, the training data of a step, and the loss.

    The reward trains during its own calls: every ``config.interval`` calls with ``update``, on the steps since the last
    training.

    Args:
        context: sizes, device and seed.
        config: settings with ``interval``, ``epochs``, ``minibatches`` and ``lr``.

    Attributes:
        needs_states: whether it reads states.
        share: fraction of the stored rows used by one pass.
        max_grad_norm: norm to which gradients are clipped; ``None`` disables clipping.
        networks: all networks.
        saved: other objects to save, by name.
        calls: number of calls with ``update`` so far.
    """

    needs_states = False
    share = 1.0
    max_grad_norm: float | None = None

    def __init__(self, context: RewardContext, config: Any) -> None:
        self.context, self.config = context, config
        self.device = context.device or "cpu"
        self.saved: dict[str, Stateful] = {}
        self.networks = nn.ModuleDict()
        self.calls = 0
        self._stored: list[Sample] = []
        self._noise = torch.Generator(device=self.device)
        self._noise.manual_seed(stream_seed(context.seed, self.name))

    @classmethod
    def of(cls, context: RewardContext, config: Any) -> IntrinsicReward:
        """Create the reward; used by the registry."""
        return cls(context, config)

    def _set_networks(self, networks: dict[str, nn.Module]) -> None:
        """Store networks, and create an optimiser for their trainable parameters."""
        self.networks = nn.ModuleDict(networks).to(self.device)
        self._learned = [parameter for parameter in self.networks.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.Adam(self._learned, lr=self.config.lr)

    @abstractmethod
    def _compute_parts(self, step: Step, update: bool) -> dict[str, Tensor]:
        """Return each part of the reward, ``[N, A]`` or ``[N, 1]``; with ``update``, update statistics too."""

    def _training_data(self, step: Step) -> Sample:
        """Return the training data of a step, ``[M, ...]`` each; empty if the reward does not train."""
        return {}

    def _loss(self, sample: Sample) -> Tensor:
        """Return the loss of rows of the training data."""
        raise NotImplementedError

    def __call__(self, transition: Transition, update: bool = True) -> RewardParts:
        """Compute the reward of a step and, with ``update``, learn from it now or later.

        Raises:
            InvalidValueError: if the step belongs to another environment, or lacks data that the reward reads.
        """
        with torch.inference_mode(False):  # stored tensors outlive the caller's inference mode
            return self._call(transition, update)

    def _call(self, transition: Transition, update: bool) -> RewardParts:
        step = self._read(transition)
        with torch.no_grad():
            paid = {name: part * step.alive for name, part in self._compute_parts(step, update).items()}
            if update:
                self.calls += 1
                self._store(self._training_data(step))
        if len(self._stored) >= self.config.interval:
            with torch.enable_grad():
                self._learn({name: torch.stack([sample[name] for sample in self._stored]) for name in self._stored[0]})
            self._stored.clear()
        parts = {name: self._as_received(part, transition.reward) for name, part in paid.items()}
        intrinsic = sum(parts.values())
        return RewardParts(intrinsic + transition.reward, intrinsic, parts)

    def _store(self, sample: Sample) -> None:
        if not sample:
            return
        if self._stored and any(value.shape != self._stored[0][name].shape for name, value in sample.items()):
            self._stored.clear()  # the number of environments has changed
        self._stored.append(sample)

    def _learn(self, held: Sample) -> None:
        """Train on the stored data, ``[T, M, ...]`` each: ``epochs`` passes over a random fraction of the rows."""
        rows = {name: value.flatten(0, 1) for name, value in held.items()}
        count = len(next(iter(rows.values())))
        sample_size = max(round(self.share * count), 1)
        for _ in range(self.config.epochs):
            order = torch.randperm(count, generator=self._noise, device=self.device)[:sample_size]
            for part in order.chunk(self.config.minibatches):
                self._gradient_step(self._loss({name: value[part] for name, value in rows.items()}))

    def _gradient_step(self, loss: Tensor) -> None:
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(self._learned, self.max_grad_norm)
        self._optimizer.step()

    def _read(self, transition: Transition) -> Step:
        """Check a transition and return it as rows."""
        context = self.context
        states = ("s_t", "s_tp1") if self.needs_states else ()
        check_transition(transition, len(context.agents), context.state_size, states)
        for name in ("obs_t", "obs_tp1") if self.needs_obs else ():
            check_last(name, getattr(transition, name), context.obs_size)
        if self.needs_available and transition.available is not None:
            check_last("available", transition.available, max(context.num_actions))
        leading = transition.alive.ndim - 1

        def rows(value: Array) -> Any:
            if value is None:
                return None
            value = torch.tensor(value) if isinstance(value, np.ndarray | np.generic) else value
            return value.to(self.device).reshape(prod(value.shape[:leading]), *value.shape[leading:])

        actions = rows(transition.actions).long()
        return Step(
            state=rows(transition.s_t) if self.needs_states else None,
            next_state=rows(transition.s_tp1) if self.needs_states else None,
            obs=rows(transition.obs_t),
            next_obs=rows(transition.obs_tp1),
            actions=actions[..., None] if actions.ndim == 2 else actions,
            reward=rows(transition.reward),
            alive=rows(transition.alive),
            start=rows(transition.start),
            available=rows(transition.available),
        )

    def _started(self, step: Step) -> Tensor:
        """Return which episodes start, ``[N]``.

        Raises:
            InvalidValueError: if the transition does not contain this.
        """
        if step.start is None:
            raise InvalidValueError(f"intrinsic reward {self.name!r} needs transition.start, got None")
        started: Tensor = step.start
        return started

    def _as_received(self, part: Tensor, like: Array) -> Array:
        """Return ``[N, A]`` in the shape, array type and dtype of the incoming rewards."""
        shaped = part.detach().reshape(like.shape)
        return to_numpy(shaped).astype(like.dtype) if isinstance(like, np.ndarray) else shaped.to(like.dtype)

    def state_dict(self) -> dict[str, Array]:
        """Return networks, optimiser, moments, random generator, and steps not yet used for training."""
        state: dict[str, Any] = {"calls": torch.tensor([self.calls]), "noise": self._noise.get_state()}
        state |= with_prefix("networks", self.networks.state_dict())
        for name, saved_object in self.saved.items():
            state |= with_prefix(name, saved_object.state_dict())
        if self._stored:
            held = {name: torch.stack([sample[name] for sample in self._stored]) for name in self._stored[0]}
            state |= with_prefix("held", held)
        if len(self.networks):
            for index, moments in self._optimizer.state_dict()["state"].items():
                state |= with_prefix(f"optimizer.{index}", moments)
        copies = {name: torch.as_tensor(value).detach().clone() for name, value in state.items()}
        return copies if self.context.device is not None else {name: to_numpy(value) for name, value in copies.items()}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned."""
        with torch.inference_mode(False):
            self._load(state)

    def _load(self, state: dict[str, Array]) -> None:
        tensors = {name: torch.tensor(to_numpy(value), device=self.device) for name, value in state.items()}
        self.calls = int(tensors["calls"][0])
        restore_generator(self._noise, tensors["noise"])
        self.networks.load_state_dict(without_prefix("networks", tensors))
        for name, saved_object in self.saved.items():
            saved_object.load_state_dict(without_prefix(name, tensors))
        held = without_prefix("held", tensors)
        steps = len(next(iter(held.values()))) if held else 0
        self._stored = [{name: value[t] for name, value in held.items()} for t in range(steps)]
        if not len(self.networks):
            return
        optimizer = self._optimizer.state_dict()
        saved_moments = {place: without_prefix(f"optimizer.{place}", tensors) for place in range(len(self._learned))}
        for moments in saved_moments.values():
            if "step" in moments:
                moments["step"] = moments["step"].cpu()  # Adam keeps it on the CPU
        moments_by_place = {place: moments for place, moments in saved_moments.items() if moments}
        self._optimizer.load_state_dict({**optimizer, "state": moments_by_place})
