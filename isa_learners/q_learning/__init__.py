"""Recurrent Q-learning with shared parameters: networks, mixers, replay and update, independent of ISA."""

from isa_learners.q_learning.config import METRICS, QConfig
from isa_wrappers.lazy import lazy

__all__ = ["METRICS", "MIXERS", "Episodes", "MixerSpec", "QConfig", "QLearner", "QLearning", "Replay"]
__getattr__ = lazy(
    __name__,
    {
        "Episodes": "isa_learners.q_learning.replay",
        "MIXERS": "isa_learners.q_learning.mixers",
        "MixerSpec": "isa_learners.q_learning.mixers",
        "QLearner": "isa_learners.q_learning.learner",
        "QLearning": "isa_learners.q_learning.update",
        "Replay": "isa_learners.q_learning.replay",
    },
)
