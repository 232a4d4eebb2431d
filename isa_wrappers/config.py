"""Hyperparameters of the method: frozen and checked, with each default defined once (arXiv 2505.08630, Table 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isa_wrappers.errors import check_int, check_name
from isa_wrappers.fields import Count, Positive, Range, Weight, check_fields


@dataclass(frozen=True)
class ScopeConfig:
    """How a scope is estimated (Definitions 1 to 3; Algorithm 1, line 4).

    Attributes:
        transitions: N, number of transitions: in total if the estimator has all agents act at once, else per agent. By
            default the estimator's own number: 10,000 for ``interval_effect``, and up to four times as many if some
            action is rarely taken.
        delta: threshold of Def. 1; by default the estimator's own, 0.1 for ``interval_effect``.
        bin_width: width of the bins of a state change, in units of the state; for estimators that use bins.
        window: W, longest delay of an effect in steps; by default the estimator's own, 8 for ``interval_effect``.
        estimator: measure that is compared with delta, by its name in ``isa_wrappers.scope.ESTIMATORS``.
            ``interval_effect`` needs neither bins nor tuning; ``nmi_block`` is the paper's normalised mutual
            information, averaged over the teammates' joint actions as in Def. 1; ``nmi_pooled`` pools all transitions.
        threshold: rule that sets the threshold, by its name in ``isa_wrappers.scope.THRESHOLD_RULES``. ``fixed`` uses
            ``delta``.
        copies: environments that run in parallel for the estimate; 0 uses a number that suits the task's family.
        until_certain: start with few transitions and double them until two doublings leave the scope unchanged; N is
            then the maximum.
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
        # Only estimate_scope() knows the lists of names: their entries may come from modules above this one.
        check_name("estimator", self.estimator)
        check_name("threshold", self.threshold)


@dataclass(frozen=True)
class SettledScope(ScopeConfig):
    """A scope configuration with every value set, as returned by ``Estimator.settled``.

    Attributes:
        transitions: N, number of transitions.
        delta: threshold of Def. 1.
        bin_width: width of the bins.
        window: W, longest delay of an effect in steps.
    """

    transitions: Annotated[int, Range(1, 10**8)]
    delta: Annotated[float, Range(0.0, 1.0, below=True)]
    bin_width: Positive
    window: Annotated[int, Range(1, 1_000)]


@dataclass(frozen=True)
class CountConfig:
    """The exploration reward, Eq. 10.

    Attributes:
        beta1: weight of the bonus of the special segment.
        beta2: weight of the environment's reward.
        count_scale: cells per unit of the state; a visit is counted in the cell nearest to the state.
        table_bits: log2 of the number of slots per segment in the count table.
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
        alpha1: weight of the progress in the special segment.
        alpha2: weight of the environment's reward.
        hamming: lambda, weight of the number of differing dimensions in the distance.
        capacity: goals kept in the buffer; the oldest are dropped.
        first_goals: L, number of goals that ends the exploration phase; at most ``capacity``.
        selector: rule that chooses the won state for an episode, by its name in
            ``isa_wrappers.rewards.GOAL_SELECTORS``.
        stitched: before the first win, combine goals from the values to which agents moved their dimensions when the
            team was rewarded, if these values stand out; not in the paper.
        alpha2_won: additional weight of the environment's reward once the team wins often: the weight is ``alpha2 +
            alpha2_won * max(0, 2 w - 1)``, where w is the share of recent episodes that were won; not in the paper.
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
