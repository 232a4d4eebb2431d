"""Settings of the intrinsic rewards that are learned; defaults are published ones where nothing else is said."""

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
        of: what is to be new: each agent's ``observation``, or the ``state``, the same for all.
        hidden: width of both networks.
        features: outputs of both networks.
        clip: whitened inputs are cut off here on either side.
        gamma: discount of the returns whose deviation the bonus is divided by.
        warmup: steps at the start in which inputs are whitened and nothing is paid.
        interval: steps of every environment between two updates of the predictor.
        epochs: passes over these steps per update.
        minibatches: parts of a pass.
        share: share of the samples that a pass takes, drawn anew.
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
    """NovelD (Zhang et al., 2021): what is newer than where the agent came from, once an episode.

    Attributes:
        of: what is to be new: each agent's ``observation``, or the ``state``, the same for all.
        hidden: width of both networks of RND.
        features: outputs of both networks of RND.
        clip: RND's whitened inputs are cut off here on either side.
        gamma: discount of the returns whose deviation the bonus by RND is divided by.
        warmup: steps at the start in which RND's inputs are whitened and nothing is paid.
        interval: steps of every environment between two updates of RND's predictor.
        epochs: passes over these steps per update.
        minibatches: parts of a pass.
        share: share of the samples that a pass takes, drawn anew.
        lr: Adam's learning rate.
        novelty: what tells how new something is: the error of ``rnd``, or ``counts``, N^-1/2.
        alpha: weight of the novelty of where the agent came from.
        episode: steps of an episode within which a visit is known for another, the oldest out.
        count_scale: units times this, rounded, tell what is visited from what is not.
        table_bits: log2 of the slots of the table of ``counts``.
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
        hidden: width of its three networks.
        features: of an observation.
        beta: weight of the forward model's loss; the inverse model's has the rest.
        eta: weight of the bonus.
        clip: whitened observations are cut off here on either side.
        gamma: discount of the returns whose deviation the bonus is divided by.
        warmup: steps at the start in which observations are whitened and nothing is paid.
        interval: steps of every environment between two updates.
        epochs: passes over these steps per update.
        minibatches: parts of a pass.
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
    """LAIES (Liu et al., ICML 2023): what agents do to the external state.

    Attributes:
        external: which dimensions of the state are external: their numbers, names or patterns of names
            (``[enemy_*.health]``), or ``scope``: the common segment of ISA's scope.
        scale: states are multiplied by this before anything else: the clips are for features of about one.
        beta1: weight of the sum over agents of what each one's action does (IDI).
        beta2: weight of what happens to the external state (CDI).
        idi_clip: largest influence of an agent.
        cdi_clip: largest squared change, before it is divided by 100.
        clip: largest reward of a step.
        anneal_steps: environment steps in which the reward falls to half its size, and as many more to nothing, from
            the first update whose steps were rewarded by the environment in the mean; 0 keeps it whole.
        hidden: width of the predictor.
        interval: steps of every environment between two updates of the predictor, and over which it learns in time.
        epochs: gradient steps per update.
        max_grad_norm: gradients are clipped to this norm.
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
