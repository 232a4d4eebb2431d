"""Settings of the learned intrinsic rewards; defaults are the published values unless stated otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from isa_wrappers.errors import InvalidValueError, shown
from isa_wrappers.fields import Count, OneOf, Positive, Range, Share, Weight, check_fields

Width = Annotated[int, Range(1, 2**14)]
Dimensions: TypeAlias = int | str | tuple[int | str, ...] | None

SCOPE = "scope"
"""The external state is the common segment D_c of ISA's scope."""


@dataclass(frozen=True)
class RNDConfig:
    """Random network distillation (arXiv 1810.12894).

    Attributes:
        of: input whose novelty is rewarded: each agent's ``observation``, or the ``state``, which all agents share.
        hidden: width of both networks.
        features: number of outputs of both networks.
        clip: bound at which whitened inputs are clipped, on either side.
        gamma: discount factor of the returns; the bonus is divided by their standard deviation.
        warmup: steps at the start without a bonus, in which the whitening statistics are collected.
        interval: steps of every environment between updates of the predictor.
        epochs: passes over these steps per update.
        minibatches: minibatches per pass.
        share: share of the samples that each pass uses, drawn anew.
        lr: Adam's learning rate.
    """

    of: Annotated[str, OneOf("observation", "state")] = "observation"
    hidden: Width = 128
    features: Width = 64
    clip: Positive = 5.0
    gamma: Share = 0.99
    warmup: Annotated[int, Range(0, 10**6)] = 16
    interval: Annotated[int, Range(1, 100_000)] = 64
    epochs: Annotated[int, Range(1, 10_000)] = 4
    minibatches: Annotated[int, Range(1, 10_000)] = 4
    share: Annotated[float, Range(1e-3, 1.0)] = 0.25
    lr: Positive = 1e-4

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class NovelDConfig(RNDConfig):
    """NovelD (Zhang et al., 2021): a bonus for inputs more novel than the previous one, once per episode.

    Attributes:
        of: input whose novelty is rewarded: each agent's ``observation``, or the ``state``, which all agents share.
        hidden: width of both networks of RND.
        features: number of outputs of both networks of RND.
        clip: bound at which RND's whitened inputs are clipped, on either side.
        gamma: discount factor of the returns; with RND, the bonus is divided by their standard deviation.
        warmup: steps at the start without a bonus, in which RND's whitening statistics are collected.
        interval: steps of every environment between updates of RND's predictor.
        epochs: passes over these steps per update.
        minibatches: minibatches per pass.
        share: share of the samples that each pass uses, drawn anew.
        lr: Adam's learning rate.
        novelty: measure of novelty: the error of ``rnd``, or ``counts``, N^-1/2.
        alpha: weight of the novelty of the previous input.
        episode: number of latest steps of an episode in which a visit is remembered.
        count_scale: cells per unit; inputs in the same nearest cell are the same visit.
        table_bits: log2 of the number of slots in the table of ``counts``.
    """

    novelty: Annotated[str, OneOf("rnd", "counts")] = "rnd"
    alpha: Weight = 0.5
    episode: Annotated[int, Range(1, 100_000)] = 512
    count_scale: Annotated[float, Range(1e-12, 1e12)] = 1.0
    table_bits: Annotated[int, Range(4, 30)] = 18


@dataclass(frozen=True)
class ICMConfig:
    """The intrinsic curiosity module (arXiv 1705.05363).

    Attributes:
        hidden: width of the three networks.
        features: number of features of an observation.
        beta: weight of the forward model's loss; the inverse model's loss has weight 1 - beta.
        eta: weight of the bonus.
        clip: bound at which whitened observations are clipped, on either side.
        gamma: discount factor of the returns; the bonus is divided by their standard deviation.
        warmup: steps at the start without a bonus, in which the whitening statistics are collected.
        interval: steps of every environment between updates.
        epochs: passes over these steps per update.
        minibatches: minibatches per pass.
        lr: Adam's learning rate.
    """

    hidden: Width = 128
    features: Width = 288
    beta: Share = 0.2
    eta: Weight = 1.0
    clip: Positive = 5.0
    gamma: Share = 0.99
    warmup: Annotated[int, Range(0, 10**6)] = 16
    interval: Annotated[int, Range(1, 100_000)] = 64
    epochs: Annotated[int, Range(1, 10_000)] = 1
    minibatches: Annotated[int, Range(1, 10_000)] = 4
    lr: Positive = 1e-3

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class LAIESConfig:
    """LAIES (Liu et al., ICML 2023): a bonus for what agents do to the external state.

    Attributes:
        external: dimensions of the state that are external: numbers, names or name patterns (``[enemy_*.health]``), or
            ``scope`` for the common segment of ISA's scope.
        scale: scaling factor of states, applied before anything else; the clips assume features of about one.
        beta1: weight of the influences of the agents' actions, summed over agents (IDI).
        beta2: weight of the change of the external state (CDI).
        idi_clip: maximum influence of an agent.
        cdi_clip: maximum squared change, before it is divided by 100.
        clip: maximum reward of a step.
        anneal_steps: environment steps over which the reward falls to half; after as many again it is 0. It starts to
            fall at the first update whose steps have a positive mean environment reward; 0 disables annealing.
        hidden: width of the predictor.
        interval: steps of every environment between updates of the predictor, and length of the sequences that it
            learns from.
        epochs: gradient steps per update.
        max_grad_norm: maximum gradient norm.
        lr: Adam's learning rate.
    """

    external: Dimensions = None
    scale: Positive = 1.0
    beta1: Weight = 100.0
    beta2: Weight = 2.0
    idi_clip: Weight = 0.002
    cdi_clip: Weight = 0.15
    clip: Weight = 1.0
    anneal_steps: Annotated[int, Range(0, 10**12)] = 2_000_000
    hidden: Width = 128
    interval: Count = 64
    epochs: Annotated[int, Range(1, 10_000)] = 25
    max_grad_norm: Positive = 1.0
    lr: Positive = 3e-4

    def __post_init__(self) -> None:
        check_fields(self)
        dims = (self.external,) if isinstance(self.external, int) else self.external
        if dims is None or (isinstance(dims, str) and dims):
            return
        if not isinstance(dims, list | tuple) or not dims or not all(_names_dimension(part) for part in dims):
            raise InvalidValueError(f"external must be {SCOPE!r}, or dimensions by number or name, got {shown(dims)}")
        object.__setattr__(self, "external", tuple(dims))


def _names_dimension(part: object) -> bool:
    """Tell whether this may be the number or the name of a dimension."""
    return (isinstance(part, int) and not isinstance(part, bool)) or (isinstance(part, str) and bool(part))
