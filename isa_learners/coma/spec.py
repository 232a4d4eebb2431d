"""The registry entry of COMA; creating a learner imports torch."""

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
    """Check what depends on the environment.

    Raises:
        InvalidValueError: if actions are not single numbers, or there is no state.
    """
    if sizes.code is not None:
        raise InvalidValueError(
            "learner 'coma' needs one of n actions per agent (Discrete), but some agent acts by continuous numbers or "
            "several choices; use learner ppo"
        )
    if not sizes.state_size:
        raise InvalidValueError(
            "learner 'coma' needs a global state, but the environment's is empty; give it a state(), or use learner ppo"
        )


COMA_LEARNER = LearnerSpec(
    "policy gradients with a counterfactual baseline from a central critic",
    ComaConfig,
    METRICS,
    _make,
    takes_probes=True,
    check=_check,
)
