"""Action heads: distributions from network outputs, and the encoding of actions as network inputs."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Generator, Tensor

from isa_learners.rollout import Sizes
from isa_wrappers.axes import Bool, Float


class Policy(Protocol):
    """A distribution over an agent's actions, for any number of agents at once."""

    def mode(self) -> Tensor:
        """Return the most likely actions."""
        ...

    def sample(self, noise: Generator) -> Tensor:
        """Sample actions."""
        ...

    def log_prob(self, action: Tensor) -> Tensor:
        """Return the log-probability (or log-density) of actions ``[...]``."""
        ...

    def entropy(self) -> Tensor:
        """Return the entropy in nats ``[...]``."""
        ...


class ActionHead(Protocol):
    """How a learner chooses the actions of a team. Actions are in the learner's format; see :meth:`native`.

    Attributes:
        size: number of network outputs for one agent.
        encoded: number of inputs that encode an action.
        none: value that marks the missing last action at the start of an episode.
        shape: shape of an action: () or (d,).
        dtype: data type of an action.
    """

    size: int
    encoded: int
    none: int
    shape: tuple[int, ...]
    dtype: torch.dtype

    def policy(self, outputs: Tensor, available: Tensor, rows: Tensor) -> Policy:
        """Return the distributions.

        Args:
            outputs: ``[..., size]``.
            available: ``[..., n]`` bool.
            rows: ``[...]`` (or its last axis) indices of the agents, or of rows in ``[T, B, A]``, agents innermost.
        """
        ...

    def encode(self, last: Tensor) -> Tensor:
        """Return last actions ``[..., A]`` (and ``[d]``) as inputs ``[..., A, encoded]``; zeros for missing ones."""
        ...

    def native(self, action: Tensor) -> Tensor:
        """Convert actions to the format of the environment's ``step``."""
        ...


def masked_log_softmax(
    logits: Float[Tensor, "*any actions"], available: Bool[Tensor, "*any actions"]
) -> Float[Tensor, "*any actions"]:
    """Return log-probabilities ``[..., n]`` in which unavailable actions have a probability of exactly 0."""
    return torch.log_softmax(logits.masked_fill(~available, -1e9), dim=-1)


class Categorical:
    """A distribution over n actions for each agent.

    Args:
        log_probs: ``[..., n]``.
    """

    def __init__(self, log_probs: Tensor) -> None:
        self.log_probs = log_probs

    def mode(self) -> Tensor:
        """Return the most likely action ``[...]``."""
        return self.log_probs.argmax(-1)

    def sample(self, noise: Generator) -> Tensor:
        """Sample an action ``[...]``: the first of n exponential clocks with the actions' rates."""
        return self.first(torch.empty_like(self.log_probs).exponential_(generator=noise))

    def first(self, clocks: Tensor) -> Tensor:
        """Return the action ``[...]`` whose clock rings first, given ``clocks`` ``[..., n]`` drawn at rate 1."""
        return (self.log_probs - clocks.log()).argmax(-1)

    def log_prob(self, action: Tensor) -> Tensor:
        """Return ``[...]``."""
        return self.log_probs.gather(-1, action[..., None])[..., 0]

    def entropy(self) -> Tensor:
        """Return ``[...]``."""
        return -(self.log_probs.exp() * self.log_probs).sum(-1)


class DiscreteHead:
    """The head for teams in which every agent's action is a number from 0 to n - 1.

    Args:
        num_actions: n.
        device: torch device.
    """

    shape: tuple[int, ...] = ()
    dtype = torch.int64

    def __init__(self, num_actions: int, device: str) -> None:
        self.size = self.encoded = self.none = num_actions
        # Row n is zero, for the missing last action at an episode's start.
        self._one_hot = torch.eye(num_actions + 1, device=device)[:, :num_actions].contiguous()

    def policy(self, outputs: Tensor, available: Tensor, rows: Tensor) -> Policy:
        """Return the distributions over ``[..., n]`` actions."""
        return Categorical(masked_log_softmax(outputs, available))

    def encode(self, last: Tensor) -> Tensor:
        """Return one-hot codes ``[..., A, n]``."""
        return self._one_hot[last]

    def native(self, action: Tensor) -> Tensor:
        """Return the actions unchanged."""
        return action


def head_for(sizes: Sizes, device: str) -> ActionHead:
    """Return the head for an environment's actions."""
    if sizes.code is None:
        return DiscreteHead(sizes.num_actions, device)
    from isa_learners.component_head import ComponentHead

    return ComponentHead(sizes.code, device)
