"""Actions with components: a categorical distribution for each choice, a Beta distribution for each range."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from isa_learners.heads import masked_log_softmax
from isa_wrappers.border.team_actions import TeamCode

EDGE = 1e-6
"""Minimum distance of samples from the ends of a range, in units of its width, as densities may be 0 or infinite
there."""


class ComponentPolicy:
    """A product of distributions, one for each of d components.

    Args:
        choices: ``[..., d, n]`` log-probabilities of the elementary actions of choices; ``None`` without choices.
        a: ``[..., d]`` positive; the position in a range, in [0, 1], has the distribution Beta(1 + a, 1 + b), which has
            one peak and starts near the uniform distribution; ``None`` without ranges.
        b: ``[..., d]`` positive; ``None`` without ranges.
        offset: ``[..., d]`` index of each component's first elementary action.
        is_range: ``[..., d]`` bool.
        there: ``[..., d]`` float, 1 where the agent has the component.
    """

    def __init__(
        self,
        choices: Tensor | None,
        a: Tensor | None,
        b: Tensor | None,
        offset: Tensor,
        is_range: Tensor,
        there: Tensor,
    ) -> None:
        self.choices = choices
        self.a = a
        self.b = b
        self.offset = offset
        self.is_range = is_range
        self.there = there

    def mode(self) -> Tensor:
        """Return ``[..., d]``: the most likely value of each choice, the peak of each range (the middle if flat)."""
        value = None if self.choices is None else self._value(self.choices)
        peak = None
        if self.a is not None and self.b is not None:
            total = self.a + self.b  # 0 if both underflow
            peak = torch.where(total == 0.0, 0.5, self.a / total)
        return self._select(value, peak)

    def sample(self, noise: Generator) -> Tensor:
        """Sample ``[..., d]``."""
        value = place = None
        if self.choices is not None:
            draws = torch.empty_like(self.choices[..., 0, :]).exponential_(generator=noise)
            value = self._value(self.choices - draws.log()[..., None, :])
        if self.a is not None and self.b is not None:
            gamma_a, gamma_b = (torch._standard_gamma(1.0 + x, generator=noise) for x in (self.a, self.b))
            place = (gamma_a / (gamma_a + gamma_b)).clamp(EDGE, 1.0 - EDGE)
        return self._select(value, place)

    def log_prob(self, action: Tensor) -> Tensor:
        """Return ``[...]``, the sum over components."""
        chosen = density = None
        if self.choices is not None:
            column = torch.where(self.is_range, 0, action.long()) + self.offset
            chosen = self.choices.gather(-1, column[..., None])[..., 0]
        if self.a is not None and self.b is not None:
            place = torch.where(self.is_range, action, 0.5)  # the index of a choice would cause NaN gradients
            density = self.a * place.log() + self.b * (-place).log1p() - self._log_beta(self.a, self.b)
        return (self._select(chosen, density) * self.there).sum(-1)

    def entropy(self) -> Tensor:
        """Return ``[...]``, the sum over components; for ranges in units of their width."""
        spread = width = None
        if self.choices is not None:
            spread = -(self.choices.exp() * self.choices).sum(-1)
        if self.a is not None and self.b is not None:
            a, b = self.a, self.b
            width = self._log_beta(a, b) - a * (1.0 + a).digamma() - b * (1.0 + b).digamma()
            width = width + (a + b) * (2.0 + a + b).digamma()
        return (self._select(spread, width) * self.there).sum(-1)

    def _value(self, scores: Tensor) -> Tensor:
        return (scores.argmax(-1) - self.offset).to(scores.dtype)

    def _select(self, choice: Tensor | None, in_range: Tensor | None) -> Tensor:
        """Combine the first for choices and the second for ranges."""
        if choice is None or in_range is None:
            return choice if in_range is None else in_range  # type: ignore[return-value]
        return torch.where(self.is_range, in_range, choice)

    @staticmethod
    def _log_beta(a: Tensor, b: Tensor) -> Tensor:
        return (1.0 + a).lgamma() + (1.0 + b).lgamma() - (2.0 + a + b).lgamma()


class ComponentHead:
    """The head for teams in which an agent's action has components.

    The learner represents an action as ``[d]`` float32: the index of a choice, or the position in a range in [0, 1].

    Args:
        code: code of the team's actions.
        device: torch device.
    """

    none = -1
    dtype = torch.float32

    def __init__(self, code: TeamCode, device: str) -> None:
        self.table = code.on(torch.zeros(1, device=device))
        self.agents = len(code.codes)
        self.count = code.size
        self.number = max(code.num_actions)
        self.shape: tuple[int, ...] = (self.count,)
        self._choices = self.number if code.has_choices else 0
        self._ranges = self.count if code.has_ranges else 0
        self.size = self._choices + 2 * self._ranges
        self.encoded = self._choices + self._ranges
        self._columns = torch.arange(self.number, device=device)

    def policy(self, outputs: Tensor, available: Tensor, rows: Tensor) -> ComponentPolicy:
        """Return the distributions."""
        table = self.table
        agent = rows % self.agents
        log_probs = a = b = None
        if self._choices:
            selectable = table.of_choice[agent] & available[..., None, :]
            log_probs = masked_log_softmax(outputs[..., None, : self._choices].expand_as(selectable), selectable)
        if self._ranges:
            a, b = softplus(outputs[..., self._choices :]).chunk(2, dim=-1)
        there = table.exists[agent].to(outputs.dtype)
        return ComponentPolicy(log_probs, a, b, table.offset[agent], table.is_range[agent], there)

    def encode(self, last: Tensor) -> Tensor:
        """Return one-hot codes of choices, then positions in ranges from -1 to 1: ``[..., A, encoded]``."""
        table = self.table
        has_value = (last >= 0) & table.exists
        parts = []
        if self._choices:
            column = torch.where(has_value, last, 0.0).long() + table.offset
            one_hot = (self._columns == column[..., None]) & table.of_choice & has_value[..., None]
            parts.append(one_hot.any(-2).float())
        if self._ranges:
            parts.append(torch.where(has_value & table.is_range, 2.0 * last - 1.0, 0.0))
        return torch.cat(parts, dim=-1)

    def native(self, action: Tensor) -> Tensor:
        """Convert positions in ranges to their values."""
        return torch.where(self.table.is_range, self.table.low + action * self.table.width, action)
