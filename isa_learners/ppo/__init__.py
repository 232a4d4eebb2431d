"""Goal-conditioned PPO: networks, losses and update, independent of ISA."""

from isa_learners.ppo.config import METRICS, PPOConfig
from isa_wrappers.lazy import lazy

__all__ = ["METRICS", "NETWORKS", "PPO", "Batch", "PPOConfig", "PPOLearner", "Targets"]
__getattr__ = lazy(
    __name__,
    {
        "Batch": "isa_learners.ppo.batch",
        "NETWORKS": "isa_learners.ppo.network_choice",
        "PPO": "isa_learners.ppo.update",
        "PPOLearner": "isa_learners.ppo.learner",
        "Targets": "isa_learners.ppo.targets",
    },
)
