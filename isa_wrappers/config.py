"""Hyperparameters of the method: frozen, checked, and each default written once (arXiv 2505.08630, Table 2)."""

from __future__ import annotations

from dataclasses import dataclass

from isa_wrappers.errors import check_float, check_int, check_name


@dataclass(frozen=True)
class ScopeConfig:
    """How a scope is estimated (Definitions 1 to 3; Algorithm 1, line 4).

    Attributes:
        transitions: N, transitions per agent; in all where the estimator has everyone act at once.
        delta: threshold of Def. 1.
        bin_width: width of the bins of a state change, in the state's units.
        window: W; changes over 1 to W steps are looked at, and the largest information counts.
        estimator: what is compared with delta, by its name in ``isa_wrappers.scope.estimators.ESTIMATORS``.
            ``nmi_block`` is the paper's normalised mutual information, the mean over teammates' joint actions as
            Def. 1 says; ``nmi_pooled`` throws all transitions together; ``interval_effect`` needs neither bins nor
            tuning.
        threshold: how the threshold is found, by its name in ``isa_wrappers.scope.thresholds.THRESHOLD_RULES``.
            ``fixed`` takes ``delta`` itself, ``usual`` what suits the estimator's figure.
    """

    transitions: int = 2_000
    delta: float = 0.3
    bin_width: float = 0.01
    window: int = 1
    estimator: str = "nmi_block"
    threshold: str = "fixed"

    def __post_init__(self) -> None:
        check_int("transitions", self.transitions, 1)
        check_float("delta", self.delta, 0.0, 1.0, below=True)
        check_float("bin_width", self.bin_width, 1e-12)
        check_int("window", self.window, 1)
        # Only estimate_scope() knows the lists: what people add to them stands above this module.
        check_name("estimator", self.estimator)
        check_name("threshold", self.threshold)


@dataclass(frozen=True)
class CountConfig:
    """The exploration reward, Eq. 10.

    Attributes:
        beta1: weight of the special segment's bonus.
        beta2: weight of the environment's reward.
        count_scale: state units times this, truncated, make the visited key.
        table_bits: log2 of the count table's slots a segment.
    """

    beta1: float = 0.2
    beta2: float = 1.0
    count_scale: float = 1.0
    table_bits: int = 18

    def __post_init__(self) -> None:
        check_float("beta1", self.beta1, 0.0)
        check_float("beta2", self.beta2, 0.0)
        check_float("count_scale", self.count_scale, 1e-12)
        check_int("table_bits", self.table_bits, 4, 30)


@dataclass(frozen=True)
class GoalConfig:
    """The goal-segment reward, Eq. 7, and the goal buffer B.

    Attributes:
        alpha1: weight of the special segment's progress.
        alpha2: weight of the environment's reward.
        hamming: lambda, weight of the number of differing dimensions in the distance.
        capacity: goals kept, oldest out.
        first_goals: L, goals that end the exploration phase.
    """

    alpha1: float = 0.2
    alpha2: float = 1.0
    hamming: float = 0.0
    capacity: int = 100
    first_goals: int = 1

    def __post_init__(self) -> None:
        check_float("alpha1", self.alpha1, 0.0)
        check_float("alpha2", self.alpha2, 0.0)
        check_float("hamming", self.hamming, 0.0)
        check_int("capacity", self.capacity, 1)
        check_int("first_goals", self.first_goals, 1, self.capacity)
