"""QMIX: Q-learning on a monotone mix of the agents' values (Rashid et al., 2018, arXiv 1803.11485)."""

from __future__ import annotations

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

QMIX = AlgorithmSpec(
    description="Q-learning on a monotone mix of the agents' values, by the global state",
    phases=(PhaseSpec("train"),),
    learner="q",
    fixed={"q": {"mixer": "qmix"}},
)
