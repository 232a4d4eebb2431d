"""COMA: a recurrent actor, and a central critic for counterfactual actions, independent of ISA."""

from isa_learners.coma.config import METRICS, ComaConfig
from isa_wrappers.lazy import lazy

__all__ = ["COMA", "METRICS", "Batch", "ComaConfig", "ComaLearner", "counterfactual_advantage"]
__getattr__ = lazy(
    __name__,
    {
        "Batch": "isa_learners.coma.batch",
        "COMA": "isa_learners.coma.update",
        "ComaLearner": "isa_learners.coma.learner",
        "counterfactual_advantage": "isa_learners.coma.policy",
    },
)
