"""Hyperparameters of the method: frozen, checked, and each default written once (arXiv 2505.08630, Table 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_wrappers.errors import check_int, check_name
from isa_wrappers.fields import Count, Positive, Range, Weight, check_fields


@dataclass(frozen=True)
class ScopeConfig:
    """How a scope is estimated (Definitions 1 to 3; Algorithm 1, line 4).

    Attributes:
        transitions: N, transitions in all where the estimator has everyone act at once, else per agent; none takes the
            estimator's own, 10,000 for ``interval_effect`` and up to four times as many where an action is seldom to be
            had.
        delta: threshold of Def. 1; none takes the estimator's own, 0.1 for ``interval_effect``.
        bin_width: width of the bins of a state change, in the state's units; for estimators that take bins.
        window: W; effects that land up to W steps later are looked for; none takes the estimator's own, 8 for
            ``interval_effect``.
        estimator: what is compared with delta, by its name in ``isa_wrappers.scope.ESTIMATORS``.
            ``interval_effect`` needs neither bins nor tuning; ``nmi_block`` is the paper's normalised mutual
            information, the mean over teammates' joint actions as Def. 1 says; ``nmi_pooled`` throws all transitions
            together.
        threshold: how the threshold is found, by its name in ``isa_wrappers.scope.THRESHOLD_RULES``.
            ``fixed`` takes ``delta`` itself.
        copies: environments that are listened to at once; 0 takes as many as suit the task's family.
        until_certain: begin with few transitions, double them, and end once two doublings have not changed the scope;
            N is then the most that is taken.
    """

    transitions: Annotated[int | None, Range(1, 10**8)] = None
    delta: Annotated[float | None, Range(0.0, 1.0, below=True)] = None
    bin_width: Positive = 0.01
    window: Annotated[int | None, Range(1, 1_000)] = None
    estimator: str = "interval_effect"
    threshold: str = "fixed"
    copies: Annotated[int, Range(0, 1_024)] = 0
    until_certain: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        # Only estimate_scope() knows the lists: what people add to them stands above this module.
        check_name("estimator", self.estimator)
        check_name("threshold", self.threshold)


@dataclass(frozen=True)
class SettledScope(ScopeConfig):
    """The same with nothing left to the estimator, as ``Estimator.settled`` makes it.

    Attributes:
        transitions: N.
        delta: threshold of Def. 1.
        bin_width: width of the bins.
        window: W.
    """

    transitions: Annotated[int, Range(1, 10**8)]
    delta: Annotated[float, Range(0.0, 1.0, below=True)]
    bin_width: Positive
    window: Annotated[int, Range(1, 1_000)]


@dataclass(frozen=True)
class CountConfig:
    """The exploration reward, Eq. 10.

    Attributes:
        beta1: weight of the special segment's bonus.
        beta2: weight of the environment's reward.
        count_scale: cells per unit of the state; the nearest cell to a visited state is its key.
        table_bits: log2 of the count table's slots per segment.
    """

    beta1: Weight = 0.2
    beta2: Weight = 1.0
    count_scale: Annotated[float, Range(1e-12, 1e12)] = 1.0
    table_bits: Annotated[int, Range(4, 30)] = 18

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class GoalConfig:
    """The goal-segment reward, Eq. 7, and the goal buffer B.

    Attributes:
        alpha1: weight of the special segment's progress.
        alpha2: weight of the environment's reward.
        hamming: lambda, weight of the number of differing dimensions in the distance.
        capacity: goals kept, oldest out.
        first_goals: L, goals that end the exploration phase; at most ``capacity``.
        selector: which won state an episode gets, by its name in ``isa_wrappers.rewards.GOAL_SELECTORS``.
        stitched: until something is won, goals are stitched from what agents moved their dimensions to when the team
            was rewarded, where that stands out; not in the paper.
        alpha2_won: added to ``alpha2`` in proportion to how much more often the latest episodes were won than not, from
            none at one in two on: how an episode ends counts for more once winning is known; not in the paper.
    """

    alpha1: Weight = 0.2
    alpha2: Weight = 1.0
    hamming: Weight = 0.0
    capacity: Annotated[int, Range(1, 10**7)] = 100
    first_goals: Count = 1
    selector: str = "uniform"
    stitched: bool = False
    alpha2_won: Weight = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        check_int("first_goals", self.first_goals, 1, self.capacity)
        check_name("selector", self.selector)
