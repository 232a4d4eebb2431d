"""QMIX: Q-learning with a monotonic mix of the agents' values (Rashid et al., 2018, arXiv 1803.11485)."""

from __future__ import annotations

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

QMIX = AlgorithmSpec(
    description="Q-learning with a monotonic mix of the agents' values that depends on the global state",
    phases=(PhaseSpec("train"),),
    learner="q",
    fixed={"q": {"mixer": "qmix"}},
)
