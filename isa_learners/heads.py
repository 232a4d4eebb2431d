"""From a network's outputs to actions: a distribution for every kind of action, and how actions enter a network."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Generator, Tensor

from isa_learners.rollout import Sizes
from isa_wrappers.axes import Bool, Float


class Policy(Protocol):
    """A distribution over an agent's actions, for any number of agents at once."""

    def mode(self) -> Tensor:
        """Return the likeliest actions."""
        ...

    def sample(self, noise: Generator) -> Tensor:
        """Draw actions."""
        ...

    def log_prob(self, action: Tensor) -> Tensor:
        """Return the log-probability (or its density) of actions ``[...]``."""
        ...

    def entropy(self) -> Tensor:
        """Return the entropy in nats ``[...]``."""
        ...


class ActionHead(Protocol):
    """How a learner chooses among the actions of a team. Actions are as the learner has them; see :meth:`native`.

    Attributes:
        size: outputs of a network for one agent.
        encoded: numbers that an action is as an input.
        none: stands in every place of the last action at an episode's start.
        shape: of an action: () or (d,).
        dtype: of an action.
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
            rows: ``[...]`` (or its last axis) numbers of the agents, or of rows in ``[T, B, A]``, agents innermost.
        """
        ...

    def encode(self, last: Tensor) -> Tensor:
        """Return last actions ``[..., A]`` (and ``[d]``) as network inputs ``[..., A, encoded]``; zeros for none."""
        ...

    def native(self, action: Tensor) -> Tensor:
        """Return what the environment's ``step`` takes."""
        ...


def masked_log_softmax(
    logits: Float[Tensor, "*any actions"], available: Bool[Tensor, "*any actions"]
) -> Float[Tensor, "*any actions"]:
    """Return log-probabilities ``[..., n]`` with unavailable actions at a probability of exactly 0."""
    return torch.log_softmax(logits.masked_fill(~available, -1e9), dim=-1)


class Categorical:
    """Each agent chooses one of n actions.

    Args:
        log_probs: ``[..., n]``.
    """

    def __init__(self, log_probs: Tensor) -> None:
        self.log_probs = log_probs

    def mode(self) -> Tensor:
        """Return the likeliest action ``[...]``."""
        return self.log_probs.argmax(-1)

    def sample(self, noise: Generator) -> Tensor:
        """Draw an action ``[...]``: the first of n clocks that run at the actions' rates."""
        return self.first(torch.empty_like(self.log_probs).exponential_(generator=noise))

    def first(self, clocks: Tensor) -> Tensor:
        """Return the action ``[...]`` whose clock rings first; ``clocks`` ``[..., n]`` were drawn at rate 1."""
        return (self.log_probs - clocks.log()).argmax(-1)

    def log_prob(self, action: Tensor) -> Tensor:
        """Return ``[...]``."""
        return self.log_probs.gather(-1, action[..., None])[..., 0]

    def entropy(self) -> Tensor:
        """Return ``[...]``."""
        return -(self.log_probs.exp() * self.log_probs).sum(-1)


class DiscreteHead:
    """For teams in which every agent's action is a number from 0 to n - 1.

    Args:
        num_actions: n.
        device: torch device.
    """

    shape: tuple[int, ...] = ()
    dtype = torch.int64

    def __init__(self, num_actions: int, device: str) -> None:
        self.size = self.encoded = self.none = num_actions
        # Row n is all zeros: no last action at an episode's start.
        self._one_hot = torch.eye(num_actions + 1, device=device)[:, :num_actions].contiguous()

    def policy(self, outputs: Tensor, available: Tensor, rows: Tensor) -> Policy:
        """Return the distributions over ``[..., n]`` actions."""
        return Categorical(masked_log_softmax(outputs, available))

    def encode(self, last: Tensor) -> Tensor:
        """Return one-hot codes ``[..., A, n]``."""
        return self._one_hot[last]

    def native(self, action: Tensor) -> Tensor:
        """Return the actions themselves."""
        return action


def head_for(sizes: Sizes, device: str) -> ActionHead:
    """Return the head that suits an environment."""
    if sizes.code is None:
        return DiscreteHead(sizes.num_actions, device)
    from isa_learners.component_head import ComponentHead

    return ComponentHead(sizes.code, device)
