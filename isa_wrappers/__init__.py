"""Influence scope of agents (ISA, arXiv 2505.08630) for any PettingZoo environment and any learner.

Overview:

- **Scope** (Definitions 1 to 3): :func:`estimate_scope` estimates an :class:`InfluenceScope`,
  :func:`credit_for` derives credit from it.
- **Wrappers of PettingZoo environments**: :class:`InfluenceCountBonus` (Eq. 10), :class:`GoalRecording`,
  :class:`GoalSampling`, :class:`GoalSegmentReward` (Eq. 7), :class:`RewardWrapper` for any intrinsic reward.
  :mod:`isa_wrappers.wrappers.batch` has wrappers of the same names for batched environments.
- **Building blocks**, on NumPy arrays or torch tensors with any leading axes: :class:`CountBonus`,
  :class:`GoalReward`, :class:`VisitCounter`, :class:`GoalBuffer`, :class:`StitchedGoals`,
  :class:`GoalProjection`, and pure functions.
- **Environments**: :func:`check_env` checks your environment;
  :func:`make_parallel` and :func:`make_batch` create tasks by name, :class:`ParallelEnvBatch` batches your own
  environment, and :class:`MapState` converts a state that is a map of cells.

Importing this package does not require torch or a learner.
"""

from isa_wrappers.batch import BatchEnv, BatchStep, BatchWrapper, ParallelEnvBatch
from isa_wrappers.border.map_features import MapState, map_features
from isa_wrappers.config import CountConfig, GoalConfig, ScopeConfig
from isa_wrappers.envs import available_tasks, estimate_task_scope, make_batch, make_parallel
from isa_wrappers.envs.check import check_env
from isa_wrappers.envs.report import EnvReport
from isa_wrappers.moved import keep_former_paths
from isa_wrappers.rewards import (
    GOAL_SELECTORS,
    REWARDS,
    CountBonus,
    GoalBuffer,
    GoalProjection,
    GoalReward,
    IntrinsicReward,
    RewardContext,
    RewardParts,
    RewardSpec,
    SegmentReward,
    StitchedGoals,
    Transition,
    VisitCounter,
    combine_segments,
    count_bonus,
    credit_gate,
    make_reward,
    scope_segments,
    segment_distance,
    segment_progress,
)
from isa_wrappers.scope import (
    CREDIT_RULES,
    ESTIMATORS,
    THRESHOLD_RULES,
    Credit,
    CreditConfig,
    CreditRule,
    Episode,
    Estimator,
    Evidence,
    InfluenceScope,
    Transitions,
    credit_for,
    episodes_of,
    estimate_scope,
    estimate_scope_from,
    explain_scope,
    explanation_text,
    load_scope,
    normalized_mutual_information,
    plot_scope,
    save_scope,
    scope_table,
    scope_to_dict,
)
from isa_wrappers.version import __version__ as __version__
from isa_wrappers.wrappers import (
    GoalRecording,
    GoalSampling,
    GoalSegmentReward,
    InfluenceCountBonus,
    RewardWrapper,
    SuccessRule,
)

keep_former_paths()

__all__ = [
    "CREDIT_RULES",
    "ESTIMATORS",
    "GOAL_SELECTORS",
    "REWARDS",
    "THRESHOLD_RULES",
    "BatchEnv",
    "BatchStep",
    "BatchWrapper",
    "CountBonus",
    "CountConfig",
    "Credit",
    "CreditConfig",
    "CreditRule",
    "EnvReport",
    "Episode",
    "Estimator",
    "Evidence",
    "GoalBuffer",
    "GoalConfig",
    "GoalProjection",
    "GoalRecording",
    "GoalReward",
    "GoalSampling",
    "GoalSegmentReward",
    "InfluenceCountBonus",
    "InfluenceScope",
    "IntrinsicReward",
    "MapState",
    "ParallelEnvBatch",
    "RewardContext",
    "RewardParts",
    "RewardSpec",
    "RewardWrapper",
    "ScopeConfig",
    "SegmentReward",
    "StitchedGoals",
    "SuccessRule",
    "Transition",
    "Transitions",
    "VisitCounter",
    "available_tasks",
    "check_env",
    "combine_segments",
    "count_bonus",
    "credit_for",
    "credit_gate",
    "episodes_of",
    "estimate_scope",
    "estimate_scope_from",
    "estimate_task_scope",
    "explain_scope",
    "explanation_text",
    "load_scope",
    "make_batch",
    "make_parallel",
    "make_reward",
    "map_features",
    "normalized_mutual_information",
    "plot_scope",
    "save_scope",
    "scope_segments",
    "scope_table",
    "scope_to_dict",
    "segment_distance",
    "segment_progress",
]
