"""VDN: Q-learning with the sum of the agents' values (Sunehag et al., 2018, arXiv 1706.05296)."""

from __future__ import annotations

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

VDN = AlgorithmSpec(
    description="Q-learning with the sum of the agents' values",
    phases=(PhaseSpec("train"),),
    learner="q",
    fixed={"q": {"mixer": "sum"}},
)
