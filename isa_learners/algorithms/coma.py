"""COMA: counterfactual policy gradients with a central critic (Foerster et al., 2018, arXiv 1705.08926)."""

from __future__ import annotations

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

COMA = AlgorithmSpec(
    description="policy gradients with a counterfactual baseline from a central critic",
    phases=(PhaseSpec("train"),),
    learner="coma",
    fixed={"coma": {"reward": "team"}},
)
