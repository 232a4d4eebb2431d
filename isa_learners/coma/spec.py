"""COMA as an entry of the list of learners; torch is imported when one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_learners.coma.config import METRICS, ComaConfig
from isa_learners.learner import LearnerSpec
from isa_wrappers.errors import InvalidValueError

if TYPE_CHECKING:
    from isa_learners.learner import Learner
    from isa_learners.rollout import Sizes


def _make(sizes: Sizes, config: ComaConfig, device: str, seed: int) -> Learner:
    from isa_learners.coma.learner import ComaLearner

    _check(sizes, config, device)
    return ComaLearner(sizes, config, device, seed)


def _check(sizes: Sizes, config: ComaConfig, device: str) -> None:
    """Meet what only the environment can tell.

    Raises:
        InvalidValueError: for actions of more than a number, or without a state.
    """
    if sizes.code is not None:
        raise InvalidValueError(
            "learner 'coma' compares one of n actions per agent (Discrete) with the others, and some agent acts by "
            "continuous numbers or several choices; take learner ppo"
        )
    if not sizes.state_size:
        raise InvalidValueError(
            "learner 'coma' needs a global state, and the environment's is empty; give it a state(), or take "
            "learner ppo"
        )


COMA_LEARNER = LearnerSpec(
    "policy gradients with a counterfactual baseline by a central critic",
    ComaConfig,
    METRICS,
    _make,
    takes_probes=True,
    check=_check,
)
