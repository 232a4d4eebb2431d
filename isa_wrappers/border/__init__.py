"""The border: what a PettingZoo ``ParallelEnv`` hands over is read and checked here, once, for batches and wrappers."""

from isa_wrappers.border.border import Border, Living
from isa_wrappers.border.spaces import StateFallback, as_parallel
from isa_wrappers.border.state import StateReader, read_state
from isa_wrappers.border.success import SuccessCriterion, SuccessRule

__all__ = [
    "Border",
    "Living",
    "StateFallback",
    "StateReader",
    "SuccessCriterion",
    "SuccessRule",
    "as_parallel",
    "read_state",
]
