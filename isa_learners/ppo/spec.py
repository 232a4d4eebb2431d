"""PPO as an entry of the list of learners; torch is imported when one is made."""

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
    """Refuse a critic on a state or for a bonus that is not there, and a network that is none.

    Raises:
        InvalidValueError: saying so.
    """
    from isa_learners.ppo.network_choice import check_network

    if config.critic == "state" and not sizes.state_size:
        raise InvalidValueError(
            "critic 'state' needs a global state, and the environment's is empty; give it a state(), or take critic own"
        )
    if config.bonus_head and not sizes.bonus:
        raise InvalidValueError(
            "bonus_head must be False where no intrinsic reward is added to the environment's, got True; "
            "add one (algo=ippo, intrinsic=rnd)"
        )
    check_network(sizes, config)


PPO_LEARNER = LearnerSpec(
    "PPO, by default recurrent and with parameters shared by all agents",
    PPOConfig,
    METRICS,
    _make,
    takes_probes=True,
    reads_progress=lambda config: config.anneal_to < 1.0,
    check=_check,
)
