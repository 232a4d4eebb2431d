"""The goal-conditioned, parameter-shared recurrent PPO: networks, losses, update. It knows nothing of ISA."""

from isa_learners.ppo.config import METRICS, PPOConfig
from isa_wrappers.lazy import lazy

__all__ = ["METRICS", "PPO", "Batch", "PPOConfig", "PPOLearner", "Targets"]
__getattr__ = lazy(
    __name__,
    {
        "Batch": "isa_learners.ppo.batch",
        "PPO": "isa_learners.ppo.update",
        "PPOLearner": "isa_learners.ppo.learner",
        "Targets": "isa_learners.ppo.update",
    },
)
