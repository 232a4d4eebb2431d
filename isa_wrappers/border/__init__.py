"""The border: reads and checks everything that a PettingZoo ``ParallelEnv`` returns, for batches and wrappers."""

from isa_wrappers.border.actions import ActionCode
from isa_wrappers.border.border import Border
from isa_wrappers.border.living import Living
from isa_wrappers.border.spaces import StateFallback, as_parallel
from isa_wrappers.border.state import StateReader, read_state
from isa_wrappers.border.state_features import STATE_FEATURES
from isa_wrappers.border.success import SuccessCriterion, SuccessRule
from isa_wrappers.border.team_actions import TeamCode

__all__ = [
    "STATE_FEATURES",
    "ActionCode",
    "Border",
    "Living",
    "StateFallback",
    "StateReader",
    "SuccessCriterion",
    "SuccessRule",
    "TeamCode",
    "as_parallel",
    "read_state",
]
