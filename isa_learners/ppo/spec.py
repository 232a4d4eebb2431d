"""The registry entry of PPO; creating a learner imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_learners.learner import LearnerSpec
from isa_learners.ppo.config import METRICS, PPOConfig
from isa_wrappers.errors import InvalidValueError

if TYPE_CHECKING:
    from isa_learners.learner import Learner
    from isa_learners.rollout import Sizes


def _make(sizes: Sizes, config: PPOConfig, device: str, seed: int) -> Learner:
    from isa_learners.ppo.learner import PPOLearner

    return PPOLearner(sizes, config, device, seed)


def _check(sizes: Sizes, config: PPOConfig, device: str) -> None:
    """Check that the environment has the state and the bonus that the critic needs, and that the network is valid.

    Raises:
        InvalidValueError: naming what is missing or invalid.
    """
    from isa_learners.ppo.network_choice import check_network

    if config.critic == "state" and not sizes.state_size:
        raise InvalidValueError(
            "critic 'state' needs a global state, but the environment's is empty; give it a state(), or use critic own"
        )
    if config.bonus_head and not sizes.bonus:
        raise InvalidValueError(
            "bonus_head must be False if no intrinsic reward is added to the environment's, got True; "
            "add one (algo=ippo, intrinsic=rnd)"
        )
    check_network(sizes, config)


PPO_LEARNER = LearnerSpec(
    "PPO, by default recurrent and with shared parameters",
    PPOConfig,
    METRICS,
    _make,
    takes_probes=True,
    reads_progress=lambda config: config.anneal_to < 1.0,
    check=_check,
)
