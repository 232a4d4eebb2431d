"""Learners in torch, Algorithm 1 (arXiv 2505.08630) and other algorithms, and runs in folders.

``train(make_config("grid/shooting"), out="runs/first")`` trains, ``load("runs/first").evaluate(32, seed=0)`` evaluates
and ``load_policy("runs/first").act(observations)`` acts.
"""

from isa_wrappers.lazy import lazy

__all__ = [
    "ALGORITHMS",
    "LEARNERS",
    "Algorithm",
    "AlgorithmSpec",
    "Evaluation",
    "Hook",
    "Learner",
    "LearnerSpec",
    "PPOConfig",
    "PhaseContext",
    "PhaseSpec",
    "RunConfig",
    "RunFolder",
    "RunPolicy",
    "Training",
    "load",
    "load_policy",
    "make_config",
    "train",
]
__getattr__ = lazy(
    __name__,
    {
        "__version__": "isa_wrappers.version",
        "ALGORITHMS": "isa_learners.algorithms",
        "LEARNERS": "isa_learners.learner",
        "Algorithm": "isa_learners.runs.algorithm",
        "AlgorithmSpec": "isa_learners.algorithms",
        "Evaluation": "isa_learners.runs.evaluation",
        "Hook": "isa_learners.runs.hooks",
        "Learner": "isa_learners.learner",
        "LearnerSpec": "isa_learners.learner",
        "PPOConfig": "isa_learners.ppo.config",
        "PhaseContext": "isa_learners.algorithms",
        "PhaseSpec": "isa_learners.algorithms",
        "RunConfig": "isa_learners.config",
        "RunFolder": "isa_learners.runs.run_folder",
        "RunPolicy": "isa_learners.runs.policy",
        "Training": "isa_learners.runs.training",
        "load": "isa_learners.runs.loading",
        "load_policy": "isa_learners.runs.policy",
        "make_config": "isa_learners.runs.config_io",
        "train": "isa_learners.runs.training",
    },
)
