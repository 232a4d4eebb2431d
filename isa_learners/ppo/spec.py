"""PPO as an entry of the list of learners; torch is imported when one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_learners.learner import LearnerSpec
from isa_learners.ppo.config import METRICS, PPOConfig

if TYPE_CHECKING:
    from isa_learners.learner import Learner
    from isa_learners.rollout import Sizes


def _make(sizes: Sizes, config: PPOConfig, device: str, seed: int) -> Learner:
    from isa_learners.ppo.learner import PPOLearner

    return PPOLearner(sizes, config, device, seed)


PPO_LEARNER = LearnerSpec("recurrent PPO with parameters shared by all agents", PPOConfig, METRICS, _make, True)
