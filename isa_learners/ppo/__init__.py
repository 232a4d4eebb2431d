"""The goal-conditioned, parameter-shared recurrent PPO: networks, losses, update. It knows nothing of ISA."""

from isa_wrappers.lazy import lazy

_WHERE = dict.fromkeys(("METRICS", "PPO", "Targets"), "isa_learners.ppo.learner")

__all__ = ["METRICS", "PPO", "Targets"]
__getattr__ = lazy(__name__, _WHERE)
